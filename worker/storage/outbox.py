"""The durable outbox in SQLite: see `worker.protocol.outbox.Outbox` for what each call promises."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from worker.protocol.outbox import (
    TERMINAL,
    Attempt,
    Inclusion,
    Intent,
    OutboxEntry,
    TxState,
)
from worker.storage.database import Database
from worker.types import Address, Timestamp, Wei


class SqliteOutbox:
    """The outbox of one worker key; shares the database's transactions with the services."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Group several calls into one durable step."""
        return self._database.transaction()

    def enqueue(self, intent: Intent) -> OutboxEntry:
        """Add `intent`, or return the entry that has its purpose already."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO outbox (purpose, recipient, data, value, worth, not_after)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (purpose) DO NOTHING",
                (
                    intent.purpose,
                    intent.to,
                    intent.data,
                    str(intent.value),
                    str(intent.worth),
                    intent.not_after,
                ),
            )
            return self._select("WHERE purpose = ?", intent.purpose)[0]

    def get(self, purpose: str) -> OutboxEntry | None:
        """Return the entry of that purpose."""
        return next(iter(self._select("WHERE purpose = ?", purpose)), None)

    def purposes(self, verb: str) -> list[str]:
        """Return the purposes "<verb>:…", oldest first."""
        rows = self._database.query(
            "SELECT purpose FROM outbox WHERE purpose > ? AND purpose < ? ORDER BY id",
            *(f"{verb}:", f"{verb};"),
        )
        return [row["purpose"] for row in rows]

    def entries(self, *states: TxState) -> list[OutboxEntry]:
        """Return entries in these states (all when none is given), oldest first."""
        if not states:
            return self._select("ORDER BY id")
        return self._select(f"WHERE state IN ({_marks(states)}) ORDER BY id", *states)

    def count(self, *states: TxState) -> int:
        """Return the number of entries in these states."""
        rows = self._database.query(
            f"SELECT count(*) AS n FROM outbox WHERE state IN ({_marks(states)})",  # noqa: S608
            *states,
        )
        return int(rows[0]["n"])

    def settled(self, purposes: Sequence[str]) -> dict[str, OutboxEntry]:
        """Return {purpose: entry} of those that reached their terminal state."""
        where = f"WHERE purpose IN ({_marks(purposes)}) AND state IN ({_marks(TERMINAL)})"
        return {entry.intent.purpose: entry for entry in self._select(where, *purposes, *TERMINAL)}

    def holders(self, from_nonce: int) -> Iterator[OutboxEntry]:
        """Yield all entries whose nonce is `from_nonce` or higher, lowest nonce first."""
        yield from self._select("WHERE nonce >= ? ORDER BY nonce", from_nonce)

    def add_attempt(self, entry_id: int, attempt: Attempt, reason: str | None = None) -> None:
        """Store a signed transaction and make the entry pending."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO attempts (entry, raw, hash, nonce, gas_limit, max_fee, max_tip,"
                " signed_at_block, is_cancel) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry_id,
                    attempt.raw,
                    attempt.hash,
                    attempt.nonce,
                    attempt.gas_limit,
                    str(attempt.max_fee),
                    str(attempt.max_tip),
                    attempt.signed_at_block,
                    attempt.is_cancel,
                ),
            )
            connection.execute(
                "UPDATE outbox SET state = 'pending', nonce = ?, reason = ?, waiting_since = ?"
                " WHERE id = ?",
                (attempt.nonce, reason, attempt.signed_at_block, entry_id),
            )

    def mark_mined(self, entry_id: int, inclusion: Inclusion, reason: str | None = None) -> None:
        """The entry is in a block."""
        self._update(
            entry_id,
            "state = 'mined', mined_hash = ?, mined_block = ?, mined_block_hash = ?, mined_ok = ?,"
            " mined_gas = ?, mined_fee = ?, reason = ?",
            inclusion.tx_hash,
            inclusion.block_number,
            inclusion.block_hash,
            inclusion.succeeded,
            inclusion.gas_used,
            str(inclusion.fee),
            reason,
        )

    def mark_pending(self, entry_id: int, at_block: int) -> None:
        """A reorg, seen at `at_block`, took the entry out of its block."""
        self._update(entry_id, "state = 'pending', mined_hash = NULL, waiting_since = ?", at_block)

    def requeue(self, entry_id: int) -> None:
        """Another transaction used the nonce up: the entry needs a new one."""
        self._update(entry_id, "state = 'queued', nonce = NULL, mined_hash = NULL")

    def settle(self, entry_id: int, state: TxState, reason: str | None = None) -> None:
        """Give the entry its terminal state."""
        self._update(entry_id, "state = ?, reason = ?", state, reason)

    def total_fees(self) -> int:
        """Return what the transactions that were mined have cost, in wei."""
        rows = self._database.query("SELECT mined_fee FROM outbox WHERE mined_fee IS NOT NULL")
        return sum(int(row["mined_fee"]) for row in rows)

    def total_gas(self) -> int:
        """Return the gas that the transactions that were mined have used."""
        return int(self._database.query("SELECT TOTAL(mined_gas) AS gas FROM outbox")[0]["gas"])

    def _update(self, entry_id: int, assignment: str, *parameters: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE outbox SET {assignment} WHERE id = ?",  # noqa: S608  (constants above)
                (*parameters, entry_id),
            )

    def _select(self, where: str, *parameters: object) -> list[OutboxEntry]:
        sql = f"SELECT * FROM outbox {where}"  # noqa: S608  (constants above)
        rows = self._database.query(sql, *parameters)
        attempts = self._attempts([row["id"] for row in rows])
        return [_entry(row, attempts.get(row["id"], [])) for row in rows]

    def _attempts(self, entry_ids: Sequence[int]) -> dict[int, list[Attempt]]:
        rows = self._database.query(
            f"SELECT * FROM attempts WHERE entry IN ({_marks(entry_ids)}) ORDER BY id",  # noqa: S608
            *entry_ids,
        )
        found: dict[int, list[Attempt]] = {}
        for row in rows:
            found.setdefault(row["entry"], []).append(_attempt(row))
        return found


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _entry(row: sqlite3.Row, attempts: Iterable[Attempt]) -> OutboxEntry:
    return OutboxEntry(
        id=row["id"],
        intent=_intent(row),
        state=TxState(row["state"]),
        nonce=row["nonce"],
        attempts=tuple(attempts),
        inclusion=_inclusion(row),
        reason=row["reason"],
        waiting_since=row["waiting_since"],
    )


def _intent(row: sqlite3.Row) -> Intent:
    return Intent(
        purpose=row["purpose"],
        to=Address(row["recipient"]),
        data=row["data"],
        value=Wei(int(row["value"])),
        worth=Wei(int(row["worth"])),
        not_after=None if row["not_after"] is None else Timestamp(row["not_after"]),
    )


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        raw=row["raw"],
        hash=row["hash"],
        nonce=row["nonce"],
        gas_limit=row["gas_limit"],
        max_fee=Wei(int(row["max_fee"])),
        max_tip=Wei(int(row["max_tip"])),
        signed_at_block=row["signed_at_block"],
        is_cancel=bool(row["is_cancel"]),
    )


def _inclusion(row: sqlite3.Row) -> Inclusion | None:
    if row["mined_hash"] is None:
        return None
    return Inclusion(
        tx_hash=row["mined_hash"],
        block_number=row["mined_block"],
        block_hash=row["mined_block_hash"],
        succeeded=bool(row["mined_ok"]),
        gas_used=row["mined_gas"],
        fee=Wei(int(row["mined_fee"])),
    )
