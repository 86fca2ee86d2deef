"""Follows signed transactions on the chain: mined, taken back by a reorg, deep enough to settle."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.wire import (
    Block,
    Receipt,
    parse_amount,
    parse_data,
    parse_quantity,
    parse_receipt,
)
from worker.errors import RetryableError, RevertedError
from worker.protocol.outbox import (
    TERMINAL,
    Attempt,
    Inclusion,
    Outbox,
    OutboxEntry,
    TxState,
)
from worker.types import Address, Wei

_RECEIPTS_PER_BATCH = 50


@dataclass(frozen=True)
class Account:
    """What the chain knows of the sending account. `pooled` counts waiting transactions too."""

    nonce: int
    nonce_confirmed: int
    pooled: int
    balance: Wei


@dataclass(frozen=True)
class _Finding:
    """Where an entry was mined, the state that it ends in, and the reason of a revert."""

    inclusion: Inclusion
    outcome: TxState
    reason: str | None
    is_news: bool


class Tracker:
    """Keeps the outbox true to the chain. One per account."""

    def __init__(self, pool: RpcPool, outbox: Outbox, address: Address, confirmations: int) -> None:
        self._pool = pool
        self._outbox = outbox
        self._address = address
        self._confirmations = confirmations

    async def fetch_account(self, head: Block) -> Account:
        """Return nonces and balance as of `head` or later, all from one endpoint."""
        deep = max(0, head.number - self._confirmations)
        tags = ["latest", hex(deep), "pending"]
        requests = [
            Request("eth_getTransactionCount", [self._address, tag], parse_quantity) for tag in tags
        ]
        requests.append(Request("eth_getBalance", [self._address, "latest"], parse_amount))
        nonce, confirmed, pooled, balance = await self._pool.batch(
            requests, at_least_block=head.number
        )
        return Account(nonce, confirmed, max(nonce, pooled), balance)

    async def follow(self, head: Block) -> list[OutboxEntry]:
        """Move every entry that has been signed to its state as of `head`; return the settled."""
        signed = [
            entry
            for entry in self._outbox.entries(TxState.QUEUED, TxState.PENDING, TxState.MINED)
            if entry.attempts
        ]
        receipts = await self._receipts(signed, head)
        found = {
            entry.id: await self._finding(entry, attempt, receipts[attempt.hash])
            for entry in signed
            for attempt in entry.attempts
            if attempt.hash in receipts
        }
        settled: list[str] = []
        with self._outbox.transaction():
            for entry in signed:
                if entry.id not in found:
                    self._take_back(entry, head)
                elif self._include(entry, found[entry.id], head):
                    settled.append(entry.intent.purpose)
        return [one for purpose in settled if (one := self._outbox.get(purpose))]

    def reopen(self, account: Account, head: Block) -> None:
        """Send again what a reorg deeper than the confirmations took away after it was settled."""
        for entry in self._outbox.holders(account.nonce):
            if entry.state in TERMINAL:
                self._outbox.mark_pending(entry.id, head.number)

    async def _receipts(self, entries: Sequence[OutboxEntry], head: Block) -> dict[bytes, Receipt]:
        hashes = [attempt.hash for entry in entries for attempt in entry.attempts]
        found: dict[bytes, Receipt] = {}
        for start in range(0, len(hashes), _RECEIPTS_PER_BATCH):
            requests = [
                Request("eth_getTransactionReceipt", ["0x" + tx_hash.hex()], parse_receipt)
                for tx_hash in hashes[start : start + _RECEIPTS_PER_BATCH]
            ]
            for receipt in await self._pool.batch(requests, at_least_block=head.number):
                if receipt is not None:
                    found[receipt.tx_hash] = receipt
        return found

    def _take_back(self, entry: OutboxEntry, head: Block) -> None:
        if entry.state is not TxState.MINED:
            return
        if entry.nonce is None:
            self._outbox.requeue(entry.id)
        else:
            self._outbox.mark_pending(entry.id, head.number)

    async def _finding(self, entry: OutboxEntry, attempt: Attempt, receipt: Receipt) -> _Finding:
        """Return what the receipt of one of the entry's attempts means for it."""
        inclusion = Inclusion(
            tx_hash=receipt.tx_hash,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            succeeded=receipt.succeeded,
            gas_used=receipt.gas_used,
            fee=Wei(receipt.gas_used * receipt.effective_gas_price),
        )
        is_news = entry.state is not TxState.MINED or entry.inclusion != inclusion
        reason = entry.reason
        if is_news and not attempt.is_cancel:
            reason = await self._revert_reason(entry, attempt, inclusion)
        return _Finding(inclusion, _outcome(attempt, inclusion), reason, is_news)

    def _include(self, entry: OutboxEntry, found: _Finding, head: Block) -> bool:
        """Record where the entry was mined; return whether that settled it."""
        is_deep = head.number - found.inclusion.block_number >= self._confirmations
        if found.is_news:
            self._outbox.mark_mined(entry.id, found.inclusion, found.reason)
        if is_deep:
            self._outbox.settle(entry.id, found.outcome, found.reason)
        return is_deep

    async def _revert_reason(
        self, entry: OutboxEntry, attempt: Attempt, inclusion: Inclusion
    ) -> str | None:
        """Return why it reverted, by running the call again; best effort, for people."""
        if inclusion.succeeded:
            return None
        call = {
            "from": self._address,
            "to": entry.intent.to,
            "data": "0x" + entry.intent.data.hex(),
            "value": hex(entry.intent.value),
            "gas": hex(attempt.gas_limit),
        }
        before = hex(inclusion.block_number - 1)
        with suppress(RetryableError):
            try:
                await self._pool.call("eth_call", [call, before], parse_data)
            except RevertedError as error:
                return error.reason
        is_out_of_gas = inclusion.gas_used == attempt.gas_limit
        return "out of gas" if is_out_of_gas else "reverted without a reason"


def _outcome(attempt: Attempt, inclusion: Inclusion) -> TxState:
    if attempt.is_cancel:
        return TxState.EXPIRED
    return TxState.FINAL if inclusion.succeeded else TxState.FAILED
