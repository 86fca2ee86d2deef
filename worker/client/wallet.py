"""One account on one network: calls, transactions that survive a crash, exact permits."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.chain.config import ChainConfig
from worker.chain.contracts import Contracts, Event
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.keys import Signer
from worker.chain.sender import Sender
from worker.chain.wire import parse_quantity
from worker.errors import InsufficientFundsError, RpcError
from worker.protocol import eip712
from worker.protocol.outbox import Intent, OutboxEntry, TxState
from worker.storage.database import Database
from worker.storage.lock import KeyLock
from worker.storage.outbox import SqliteOutbox
from worker.types import Address, Timestamp, Wei

Permit = eip712.Permit
NO_PERMIT = eip712.NO_PERMIT
PERMIT_SECONDS = 1_800
SEND_SECONDS = 180.0


@dataclass(frozen=True)
class Wallet:
    """An account with everything it needs to act. Open it with `open_wallet`."""

    deployment: Deployment
    pool: RpcPool
    contracts: Contracts
    signer: Signer
    database: Database
    outbox: SqliteOutbox
    sender: Sender

    @property
    def address(self) -> Address:
        """The account's address."""
        return self.signer.address

    async def call(
        self, contract: str, function: str, *args: Any, at: Address | None = None
    ) -> Any:
        """Return what a view returns now; `at` is another contract with the same ABI."""
        return await self.contracts.call(contract, function, *args, sender=self.address, address=at)

    async def send(
        self,
        contract: str,
        function: str,
        *args: Any,
        purpose: str | None = None,
        within: float = SEND_SECONDS,
        at: Address | None = None,
    ) -> OutboxEntry:
        """Send a transaction and wait until it is mined, at most `within` seconds.

        `at` is another contract with the same ABI, such as a listed token.

        The same `purpose` twice is one transaction. Raises RevertedError with the contract's
        reason, InsufficientFundsError, WaitTimeoutError.
        """
        name = purpose or f"{function}:{secrets.token_hex(8)}"
        to = at or self.contracts.address(contract)
        self.outbox.enqueue(Intent(name, to, self.contracts.encode(contract, function, *args)))
        return await self.sender.wait(name, within)

    async def estimate(self, contract: str, function: str, *args: Any) -> int:
        """Return the gas that a transaction would use now. Raises RevertedError."""
        call = {
            "from": self.address,
            "to": self.contracts.address(contract),
            "data": "0x" + self.contracts.encode(contract, function, *args).hex(),
        }
        return await self.pool.call("eth_estimateGas", [call], parse_quantity)

    def is_live(self, purpose: str) -> bool:
        """Whether a transaction was asked for that may still be mined, or was."""
        entry = self.outbox.get(purpose)
        return entry is not None and entry.state not in (TxState.FAILED, TxState.EXPIRED)

    async def events_of(self, entry: OutboxEntry) -> list[Event]:
        """Return what a mined transaction logged in our contracts."""
        if entry.inclusion is None:
            raise RpcError(f"{entry.intent.purpose} is not mined")
        receipt = await self.pool.receipt(entry.inclusion.tx_hash)
        if receipt is None:
            raise RpcError(f"{entry.intent.purpose} was mined in a block that is gone")
        return [event for log in receipt.logs if (event := self.contracts.decode_log(log))]

    async def require_tokens(self, amount: Wei) -> None:
        """Raise InsufficientFundsError unless the account holds `amount` of the network token."""
        balance = await self.call("Token", "balanceOf", self.address)
        if balance < amount:
            raise InsufficientFundsError(
                f"{self.address} holds {as_tokens(balance)} tokens, needs {as_tokens(amount)}"
            )

    async def permit(self, spender: str, amount: Wei, token: Address | None = None) -> Permit:
        """Sign that the contract `spender` may take exactly `amount` of a token, by default of
        the network's. Raises RevertedError where the token knows no permits.
        """
        domain = await self.domain("Token", token)
        nonce = await self.call("Token", "nonces", self.address, at=token)
        deadline = Timestamp((await self.pool.head()).timestamp + PERMIT_SECONDS)
        to = self.contracts.address(spender)
        message = eip712.permit(domain, self.address, to, amount, nonce, deadline)
        signature = self.signer.sign_typed_data(message)
        return deadline, signature[64], signature[:32], signature[32:64]

    async def domain(self, contract: str, at: Address | None = None) -> eip712.Domain:
        """Return what signatures for `contract` are bound to, from its `eip712Domain`."""
        fields = await self.call(contract, "eip712Domain", at=at)
        _, name, version, chain_id, address = fields[:5]
        return eip712.Domain(name, version, chain_id, address)


@asynccontextmanager
async def open_wallet(
    deployment: Deployment, chain: ChainConfig, signer: Signer, folder: Path
) -> AsyncIterator[Wallet]:
    """Connect an account; its transactions are kept under `folder`.

    Raises KeyInUseError when another process works with the account.
    """
    with KeyLock(folder, signer.address):
        database = Database(folder / f"{signer.address.lower()}.sqlite")
        try:
            async with RpcPool(chain, deployment.identity) as pool:
                outbox = SqliteOutbox(database)
                sender = Sender(pool, outbox, signer, chain, deployment.chain_id)
                contracts = Contracts(deployment, pool)
                yield Wallet(deployment, pool, contracts, signer, database, outbox, sender)
        finally:
            database.close()


def as_tokens(amount: int, decimals: int = 18) -> str:
    """Return an amount in whole tokens, as people write it."""
    whole, part = divmod(abs(amount), 10**decimals)
    digits = f"{part:0{decimals}}".rstrip("0")
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


Progress = Callable[[str], None]
"""Told what is being done, in a few words."""
