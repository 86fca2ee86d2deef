"""The sender: owns the account's nonce and brings every intent of the outbox onto the chain.

Each step is safe to repeat after a crash: a transaction is signed and stored in one durable step,
and broadcasting is nothing but "the endpoints do not know what is stored".
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from worker.chain.broadcaster import Broadcaster
from worker.chain.config import ChainConfig
from worker.chain.endpoints import RpcPool
from worker.chain.fees import Fees, Market, fetch_market, first_fees, highest_fee, raised_fees
from worker.chain.keys import Signer
from worker.chain.refusals import Refusal, ResponseError, classify_refusal
from worker.chain.tracker import Account, Tracker
from worker.chain.wire import Block, parse_quantity
from worker.errors import (
    GasTooHighError,
    InsufficientFundsError,
    RetryableError,
    RevertedError,
    RpcError,
    WaitTimeoutError,
)
from worker.health import Reason
from worker.protocol.outbox import LIVE, Attempt, Intent, Outbox, OutboxEntry, TxState
from worker.types import Wei

_CANCEL_GAS = 21_000
_MAX_GAS = 16_000_000  # below EIP-7825's limit per transaction, 2^24
_NEW_SLOT_GAS = 22_100
"""Added to an estimate: mined in another order, a call may fill a slot that another's transaction
had filled in the estimate, such as the first of a round's seats (EIP-2929, EIP-2200)."""

_TOO_LATE = "not mined in time"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SenderStatus:
    """Where the account stands after a tick, and the entries that it sent and settled."""

    balance: Wei
    queued: int
    in_flight: int
    reasons: frozenset[Reason]
    sent: tuple[OutboxEntry, ...]
    settled: tuple[OutboxEntry, ...]


@dataclass
class _View:
    """The chain as of one head; the market is asked for when something is to be sent."""

    head: Block
    account: Account
    market: Market | None = None


class Sender:
    """Sends for one account; nothing else may use its key meanwhile."""

    def __init__(
        self,
        pool: RpcPool,
        outbox: Outbox,
        signer: Signer,
        config: ChainConfig,
        chain_id: int,
    ) -> None:
        self._pool = pool
        self._outbox = outbox
        self._signer = signer
        self._config = config
        self._chain_id = chain_id
        self._tracker = Tracker(pool, outbox, signer.address, config.confirmations)
        self._broadcaster = Broadcaster(pool)
        self._lock = asyncio.Lock()
        self._view: _View | None = None
        self._settled: list[OutboxEntry] = []
        self._underpriced: set[bytes] = set()
        self._reasons: set[Reason] = set()

    async def tick(self) -> SenderStatus:
        """Bring every entry one bounded step further. Raises RetryableError when the RPC fails."""
        async with self._lock:
            self._reasons = set()
            view = await self._look()
            head, account = view.head, view.account
            sent: list[OutboxEntry] = []
            if self._outbox.count(TxState.QUEUED, TxState.PENDING):
                view.market = view.market or await fetch_market(self._pool, self._config)
                await self._maintain(head, account, view.market)
                await self._submit(head, account, view.market)
                self._fill_gaps(head, account, view.market)
                sent = await self._broadcast(head)
            settled, self._settled = self._settled, []
            return SenderStatus(
                balance=account.balance,
                queued=self._outbox.count(TxState.QUEUED),
                in_flight=self._outbox.count(*LIVE),
                reasons=frozenset(self._reasons),
                sent=tuple(sent),
                settled=tuple(settled),
            )

    async def _look(self) -> _View:
        """Return the chain as it is now, and bring the outbox up to it; once for each head."""
        head = await self._pool.head()
        if self._view is None or self._view.head.hash != head.hash:
            account = await self._tracker.fetch_account(head)
            self._settled += await self._tracker.follow(head)
            self._tracker.reopen(account, head)
            self._view = _View(head, account)
        return self._view

    async def wait(
        self, purpose: str, within: float, until: TxState = TxState.MINED
    ) -> OutboxEntry:
        """Tick until the entry is mined (or FINAL), for callers that have no loop of their own.

        Raises RevertedError with the contract's reason, InsufficientFundsError (the entry is then
        given up if it was not signed yet), WaitTimeoutError when `within` seconds have passed.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    entry = await self._tick_for(purpose)
                    if entry.is_settled or entry.state is until:
                        return _succeeded(entry)
                    await asyncio.sleep(self._config.poll_seconds)
        except TimeoutError:
            raise WaitTimeoutError(f"{purpose} is not {until} after {within:g} s") from None

    async def _tick_for(self, purpose: str) -> OutboxEntry:
        try:
            status = await self.tick()
        except RetryableError as error:
            log.warning("tick failed, retrying", error=str(error))
            status = None
        entry = self._outbox.get(purpose)
        if entry is None:
            raise KeyError(purpose)
        lacks_money = status is not None and Reason.GAS_MONEY in status.reasons
        if lacks_money and entry.state is TxState.QUEUED:
            self._outbox.settle(entry.id, TxState.EXPIRED, "insufficient funds")
            raise InsufficientFundsError(f"{self._signer.address} cannot pay for {purpose}")
        return entry

    async def _maintain(self, head: Block, account: Account, market: Market) -> None:
        """Replace what is stuck, cancel what came too late, requeue what lost its nonce."""
        for entry in self._outbox.entries(TxState.PENDING):
            if entry.nonce is None or entry.nonce < account.nonce_confirmed:
                log.warning("nonce used by another transaction", purpose=entry.intent.purpose)
                self._outbox.requeue(entry.id)
                continue
            last = entry.attempts[-1]
            age = head.number - (entry.waiting_since or 0)
            is_stuck = age >= self._config.bump_after_blocks or last.hash in self._underpriced
            if _is_late(entry.intent, head) and not last.is_cancel:
                self._replace(entry, head, market, _TOO_LATE)
            elif is_stuck and entry.nonce >= account.nonce:
                is_first = entry.nonce == account.nonce
                hopeless = await self._hopeless(entry) if is_first else None
                self._replace(entry, head, market, hopeless)

    async def _hopeless(self, entry: OutboxEntry) -> str | None:
        """Return why a stuck transaction could only revert, if it could."""
        if entry.attempts[-1].is_cancel:
            return None
        try:
            # Not behind what waits: where a node has it already, it would only see its own effect.
            await self._estimate(entry.intent, "latest")
        except RevertedError as error:
            return error.reason
        except ResponseError:
            return None
        return None

    def _replace(
        self, entry: OutboxEntry, head: Block, market: Market, give_up: str | None
    ) -> None:
        """Sign the same nonce again at higher fees, as a cancellation when `give_up` says why."""
        last = entry.attempts[-1]
        is_cancel = last.is_cancel or give_up is not None
        gas_limit = _CANCEL_GAS if is_cancel else last.gas_limit
        limit = highest_fee(self._config, self._at_stake_behind(entry), gas_limit)
        old = Fees(last.max_fee, last.max_tip)
        try:
            fees = raised_fees(old, market, limit, self._config.bump_percent)
        except GasTooHighError:
            self._reasons.add(Reason.GAS_TOO_HIGH)
            return
        intent = self._cancellation(entry.intent.purpose) if is_cancel else entry.intent
        attempt = self._sign(intent, last.nonce, gas_limit, fees, head, is_cancel)
        self._underpriced.discard(last.hash)
        self._outbox.add_attempt(entry.id, attempt, give_up or entry.reason)
        log.info(
            "transaction replaced",
            purpose=entry.intent.purpose,
            nonce=last.nonce,
            max_fee=fees.max_fee,
            cancelled=give_up,
        )

    def _at_stake_behind(self, entry: OutboxEntry) -> int:
        """Return what is lost if this nonce is never used: its own worth and all that waits."""
        waiting = self._outbox.entries(TxState.QUEUED, TxState.PENDING)
        return sum(
            one.intent.worth
            for one in waiting
            if one.nonce is None or entry.nonce is None or one.nonce >= entry.nonce
        )

    async def _submit(self, head: Block, account: Account, market: Market) -> None:
        """Sign what is queued, as far as room, money and fees allow."""
        live = self._outbox.entries(*LIVE)
        room = self._config.max_in_flight - len(live)
        money = account.balance - sum(map(_cost, live))
        taken = {entry.nonce for entry in live}
        is_alone = all(entry.state is TxState.MINED for entry in live)
        for entry in self._outbox.entries(TxState.QUEUED):
            if _is_late(entry.intent, head):
                self._outbox.settle(entry.id, TxState.EXPIRED, _TOO_LATE)
                continue
            if room <= 0:
                continue
            priced = await self._price(entry, market, is_alone)
            if priced is None:
                continue
            gas_limit, fees = priced
            cost = gas_limit * fees.max_fee + entry.intent.value
            if cost > money:
                self._reasons.add(Reason.GAS_MONEY)
                continue
            nonce = _first_free(account.pooled, taken)
            attempt = self._sign(entry.intent, nonce, gas_limit, fees, head)
            self._outbox.add_attempt(entry.id, attempt)
            taken.add(nonce)
            room, money, is_alone = room - 1, money - cost, False

    async def _price(
        self, entry: OutboxEntry, market: Market, is_alone: bool
    ) -> tuple[int, Fees] | None:
        """Return gas limit and fees, or None when the entry cannot be signed now."""
        try:
            gas_limit = await self._estimate(entry.intent)
            limit = highest_fee(self._config, entry.intent.worth, gas_limit)
            return gas_limit, first_fees(market, limit)
        except RevertedError as error:
            # What is in flight may still make it valid; a revert with nothing before it is final.
            if is_alone:
                self._outbox.settle(entry.id, TxState.FAILED, error.reason)
        except GasTooHighError:
            self._reasons.add(Reason.GAS_TOO_HIGH)
        except ResponseError as error:
            is_poor = classify_refusal(error.message) is Refusal.INSUFFICIENT_FUNDS
            self._reasons.add(Reason.GAS_MONEY if is_poor else Reason.TX_REFUSED)
            log.warning("estimate refused", purpose=entry.intent.purpose, error=str(error))
        return None

    async def _estimate(self, intent: Intent, *block: str) -> int:
        """Return the gas limit; raises RevertedError when the transaction would revert now, behind
        `block` or what the node takes by itself."""
        call = {
            "from": self._signer.address,
            "to": intent.to,
            "data": "0x" + intent.data.hex(),
            "value": hex(intent.value),
        }
        gas = await self._pool.call("eth_estimateGas", [call, *block], parse_quantity)
        if gas > _MAX_GAS:
            raise RevertedError(f"needs {gas} gas, more than {_MAX_GAS}")
        return min(_MAX_GAS, gas + gas // 5 + _NEW_SLOT_GAS)

    def _fill_gaps(self, head: Block, account: Account, market: Market) -> None:
        """Use up nonces below ours that nobody holds: what is behind them can never be mined."""
        taken = {entry.nonce for entry in self._outbox.entries(*LIVE) if entry.nonce is not None}
        for nonce in range(account.pooled, max(taken, default=0)):
            if nonce in taken:
                continue
            limit = highest_fee(self._config, 0, _CANCEL_GAS)
            try:
                fees = first_fees(market, limit)
            except GasTooHighError:
                self._reasons.add(Reason.GAS_TOO_HIGH)
                return
            intent = self._cancellation(f"gap:{nonce}:{head.hash.hex()}")
            attempt = self._sign(intent, nonce, _CANCEL_GAS, fees, head, is_cancel=True)
            with self._outbox.transaction():
                entry = self._outbox.enqueue(intent)
                self._outbox.add_attempt(entry.id, attempt, "fills a nonce gap")
            log.warning("nonce gap filled", nonce=nonce)

    async def _broadcast(self, head: Block) -> list[OutboxEntry]:
        """Hand over what the endpoints do not know; return what they took."""
        sent = []
        pending = sorted(self._outbox.entries(TxState.PENDING), key=lambda one: one.nonce or 0)
        async for entry, refusal in self._broadcaster.send(pending, head):
            self._note_refusal(entry, refusal)
            if refusal is None:
                sent.append(entry)
        return sent

    def _note_refusal(self, entry: OutboxEntry, refusal: Refusal | None) -> None:
        """Turn what the endpoints said into what the next tick does about it."""
        if refusal is None or refusal in (Refusal.ALREADY_KNOWN, Refusal.NONCE_TOO_LOW):
            return  # mined or about to be: the tracker finds out
        if refusal is Refusal.UNDERPRICED:
            self._underpriced.add(entry.attempts[-1].hash)
            return
        reason = {
            Refusal.INSUFFICIENT_FUNDS: Reason.GAS_MONEY,
            Refusal.FEE_CAP: Reason.GAS_TOO_HIGH,
        }.get(refusal, Reason.TX_REFUSED)
        self._reasons.add(reason)
        log.warning("transaction refused", purpose=entry.intent.purpose, reason=reason)

    def _cancellation(self, purpose: str) -> Intent:
        return Intent(purpose, self._signer.address, b"")

    def _sign(
        self,
        intent: Intent,
        nonce: int,
        gas_limit: int,
        fees: Fees,
        head: Block,
        is_cancel: bool = False,
    ) -> Attempt:
        raw, tx_hash = self._signer.sign_transaction(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": intent.to,
                "data": intent.data,
                "value": intent.value,
                "gas": gas_limit,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.max_tip,
            }
        )
        return Attempt(
            raw, tx_hash, nonce, gas_limit, fees.max_fee, fees.max_tip, head.number, is_cancel
        )


def _is_late(intent: Intent, head: Block) -> bool:
    return intent.not_after is not None and head.timestamp >= intent.not_after


def _cost(entry: OutboxEntry) -> int:
    """Return what a waiting transaction may still take; a mined one has taken it."""
    if entry.state is TxState.MINED:
        return 0
    last = entry.attempts[-1]
    return last.gas_limit * last.max_fee + (0 if last.is_cancel else entry.intent.value)


def _first_free(start: int, taken: Iterable[int | None]) -> int:
    held = set(taken)
    while start in held:
        start += 1
    return start


def _succeeded(entry: OutboxEntry) -> OutboxEntry:
    is_reverted = entry.inclusion is not None and not entry.inclusion.succeeded
    if entry.state is TxState.FAILED or is_reverted:
        raise RevertedError(entry.reason or "reverted")
    if entry.state is TxState.EXPIRED:
        raise RpcError(f"{entry.intent.purpose}: {entry.reason}")
    return entry
