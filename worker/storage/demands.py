"""Demands as the chain tells of them: what was asked of which seat, and what was answered."""

import json
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from worker.protocol.demands import Demand
from worker.storage.database import Database
from worker.types import BatchIndex, JobKey, OperatorId, TaskIndex


@dataclass(frozen=True)
class Demanded:
    """A demand, and how it ended: `data` is the answer, None while there is none."""

    id: bytes
    block: int
    job: JobKey
    demand: Demand
    is_over: bool = False
    data: bytes | None = None


class DemandStore:
    """Every demand that was scanned. Every method is one durable step, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, demanded: Demanded) -> None:
        """Keep a demand; one that is here already stays as it is."""
        seat = demanded.demand.seat
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO demands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    demanded.id,
                    demanded.block,
                    demanded.job,
                    seat.batch,
                    seat.round,
                    seat.operator,
                    seat.task,
                    demanded.demand.bond.due,
                    json.dumps(demanded.demand, default=bytes.hex),
                ),
            )

    def end(self, id: bytes, block: int, data: bytes | None) -> None:
        """Note that a demand was answered with `data`, or closed."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO demand_ends VALUES (?, ?, ?)", (id, block, data)
            )

    def undo_above(self, block: int) -> None:
        """Forget what blocks above `block` told."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM demands WHERE block > ?", (block,))
            connection.execute("DELETE FROM demand_ends WHERE block > ?", (block,))

    def get(self, id: bytes) -> Demanded | None:
        """Return a demand by its id."""
        return next(iter(self._select("WHERE id = ?", id)), None)

    def all(self) -> list[Demanded]:
        """Return every demand, in the order of blocks."""
        return self._select("ORDER BY block")

    def of_task(
        self, job: JobKey, batch: int, round_: int, operator: OperatorId, task: TaskIndex
    ) -> list[Demanded]:
        """Return what was demanded of a seat about a task, in the order of blocks."""
        where = "WHERE job = ? AND batch = ? AND round = ? AND operator = ? AND task = ?"
        return self._select(f"{where} ORDER BY block", job, batch, round_, operator, task)

    def open_on(self, operator: OperatorId) -> list[Demanded]:
        """Return the open demands on an operator's seats, the earliest due first."""
        return self._select("WHERE operator = ? AND ended IS NULL ORDER BY due", operator)

    def touched(self, above: int, up_to: int) -> set[tuple[JobKey, BatchIndex]]:
        """Return the batches about which blocks above `above`, up to `up_to`, began or ended a
        demand."""
        rows = self._database.query(
            "SELECT DISTINCT d.job, d.batch FROM demands d LEFT JOIN demand_ends e ON e.id = d.id"
            " WHERE d.block > ? AND d.block <= ? OR e.block > ? AND e.block <= ?",
            above,
            up_to,
            above,
            up_to,
        )
        return {(row["job"], row["batch"]) for row in rows}

    def _select(self, where: str, *parameters: object) -> list[Demanded]:
        rows = self._database.query(
            "SELECT * FROM (SELECT d.*, e.block AS ended, e.data FROM demands d"  # noqa: S608
            f" LEFT JOIN demand_ends e ON e.id = d.id) {where}",  # constants above
            *parameters,
        )
        return [_demanded(row) for row in rows]


def _demanded(row: Row) -> Demanded:
    seat, place, (digest, tensor, size), bond = json.loads(row["demand"])
    members: list[list[Any]] = [seat, place, [bytes.fromhex(digest), tensor, size], bond]
    is_over = row["ended"] is not None
    return Demanded(row["id"], row["block"], row["job"], Demand.of(members), is_over, row["data"])
