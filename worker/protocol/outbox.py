"""What a service asks the chain to do, and how far the sender got with it.

A service enqueues an `Intent` inside its own database transaction. Later, in a durable step of
its own, the sender gives it a nonce, signs it and stores the raw bytes; only then it broadcasts.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from worker.types import Address, Timestamp, Wei

_NOTHING = Wei(0)


class TxState(StrEnum):
    """queued → pending → mined → final | failed | expired; a reorg turns mined back to pending."""

    QUEUED = "queued"  # no nonce yet
    PENDING = "pending"  # signed and stored; broadcast until mined
    MINED = "mined"  # in a block, not deep enough
    FINAL = "final"  # succeeded, deep enough
    FAILED = "failed"  # reverted, on chain or before it was signed; `reason` says why
    EXPIRED = "expired"  # given up without effect: its time passed, or it could only revert


LIVE = frozenset({TxState.PENDING, TxState.MINED})
"""States in which a transaction holds a nonce that is not settled yet."""

TERMINAL = frozenset({TxState.FINAL, TxState.FAILED, TxState.EXPIRED})


@dataclass(frozen=True)
class Intent:
    """One transaction that should be mined once.

    `purpose` is its unique name, such as "seal:<job>:<batch>:<round>": asking twice is asking
    once. `worth` is what is lost in wei if it is never mined; only above the fee cap does the
    sender weigh gas against it. Before `not_after` (chain time) it must be mined, later it is
    pointless.
    """

    purpose: str
    to: Address
    data: bytes
    value: Wei = _NOTHING
    worth: Wei = _NOTHING
    not_after: Timestamp | None = None


@dataclass(frozen=True)
class Attempt:
    """One signed transaction for an intent, as it is or was broadcast. Fees are wei per gas."""

    raw: bytes
    hash: bytes
    nonce: int
    gas_limit: int
    max_fee: Wei
    max_tip: Wei
    signed_at_block: int
    is_cancel: bool = False  # a transfer of nothing to self that frees the nonce


@dataclass(frozen=True)
class Inclusion:
    """Where an attempt was mined. `fee` is what it cost in wei."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    fee: Wei


@dataclass(frozen=True)
class OutboxEntry:
    """An intent with everything that happened to it; attempts are oldest first."""

    id: int
    intent: Intent
    state: TxState
    nonce: int | None
    attempts: tuple[Attempt, ...]
    inclusion: Inclusion | None
    reason: str | None
    waiting_since: int | None  # the block at which it was signed, or lost to a reorg

    @property
    def is_settled(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in TERMINAL


class Outbox(Protocol):
    """The durable queue between services and the sender. Every method is one durable step,
    or part of the surrounding `transaction`."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Group several calls into one durable step; never await inside."""

    def enqueue(self, intent: Intent) -> OutboxEntry:
        """Add `intent`, or return the entry that has its purpose already."""

    def get(self, purpose: str) -> OutboxEntry | None:
        """Return the entry of that purpose."""

    def entries(self, *states: TxState) -> list[OutboxEntry]:
        """Return entries in these states (all when none is given), oldest first."""

    def count(self, *states: TxState) -> int:
        """Return the number of entries in these states."""

    def holders(self, from_nonce: int) -> Iterator[OutboxEntry]:
        """Yield all entries whose nonce is `from_nonce` or higher, lowest nonce first."""

    def add_attempt(self, entry_id: int, attempt: Attempt, reason: str | None = None) -> None:
        """Store a signed transaction and make the entry pending. Broadcast only afterwards.

        `reason` says why the intent is given up, when the attempt cancels it.
        """

    def mark_mined(self, entry_id: int, inclusion: Inclusion, reason: str | None = None) -> None:
        """The entry is in a block; `reason` says why it has no effect there, if it has none."""

    def mark_pending(self, entry_id: int, at_block: int) -> None:
        """A reorg, seen at `at_block`, took the entry out of its block."""

    def requeue(self, entry_id: int) -> None:
        """Another transaction used the nonce up: the entry needs a new one."""

    def settle(self, entry_id: int, state: TxState, reason: str | None = None) -> None:
        """Give the entry its terminal state."""
