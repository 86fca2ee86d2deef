"""This worker's seats: where each stands, the records of its runs, and what it earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Row

from worker.storage.database import Database
from worker.types import BatchIndex, Digest, Gwei, JobKey, TaskIndex, Timestamp, Wei


class SeatState(StrEnum):
    """candidate → claiming → claimed → running → ran → sealing → sealed → revealing → revealed
    → settled | lost | void. A seat that claims late runs as a candidate and claims by sealing.
    One that missed a deadline waits as `missed` for the settlement."""

    CANDIDATE = "candidate"  # to be run before it is claimed
    CLAIMING = "claiming"
    CLAIMED = "claimed"
    RUNNING = "running"
    RAN = "ran"
    SEALING = "sealing"
    SEALED = "sealed"
    REVEALING = "revealing"
    REVEALED = "revealed"
    MISSED = "missed"  # too late to seal or to open
    SETTLED = "settled"
    LOST = "lost"  # some of its bond was burnt
    VOID = "void"  # never ours, or the round ended without punishing anyone


ENDED = (SeatState.SETTLED, SeatState.LOST, SeatState.VOID)
IN_FLIGHT = tuple(state for state in SeatState if state not in ENDED)
HOLDING = (
    SeatState.CLAIMED,
    SeatState.RUNNING,
    SeatState.RAN,
    SeatState.SEALING,
    SeatState.SEALED,
    SeatState.REVEALING,
    SeatState.REVEALED,
    SeatState.MISSED,
)
"""Of a seat that was claimed, or runs to be claimed by its seal, and has not ended."""


@dataclass(frozen=True)
class SeatKey:
    """Which seat: one operator has at most one in a batch's round."""

    job: JobKey
    batch: BatchIndex
    round: int

    @property
    def name(self) -> str:
        """A text that is unique to the seat, for purposes of transactions and for logs."""
        return f"{self.job.hex()}:{self.batch}:{self.round}"


@dataclass(frozen=True)
class Seat:
    """One seat of this worker's operator, or one that it tries to get."""

    key: SeatKey
    state: SeatState
    mask: int
    is_growth: bool
    claims_late: bool
    claim_from: Timestamp
    bond: Gwei
    price: Wei
    opened_at: Timestamp
    ready_at: Timestamp | None = None
    tries: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class TaskRecord:
    """What a task's run gave. `fuel` is its work in units of its kind: a tensor program's are
    steps. When the host failed, `digest` is FAILED and there is neither `document`, the record as
    it is told to requesters, nor `bundle`, the outputs' blob."""

    task: TaskIndex
    batch: BatchIndex
    digest: bytes
    document: bytes | None
    bundle: Digest | None
    fuel: int
    seconds: float
    overhead: float = 0.0
    """Those of the seconds that are the same for small and large tasks: their process began."""


@dataclass(frozen=True)
class Pace:
    """How this host ran a service's tasks lately: so much `fuel` in so many seconds, and what each
    task took besides."""

    fuel: int = 0
    seconds: float = 0.0
    overhead: float = 0.0

    def speed(self, assumed: float) -> float:
        """Return the fuel burnt in a second. What is assumed counts as one second measured: runs
        that last milliseconds say little, and who refuses work for them measures no other."""
        return (self.fuel + assumed) / (self.seconds + 1)


@dataclass(frozen=True)
class Earning:
    """What a settlement brought a seat: wei of token `token`, gwei of its bond."""

    paid: Wei
    burnt: Gwei
    released: Gwei
    token: int
    block: int


class SeatStore:
    """Seats, records and earnings. Every method is one durable step, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, seat: Seat) -> None:
        """Keep a new seat, in place of one of the same key that ended void."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO seats (job, batch, round, state, mask, is_growth,"
                " claims_late, claim_from, bond, price, opened_at, ready_at, tries, reason)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *_parts(seat.key),
                    seat.state,
                    seat.mask,
                    seat.is_growth,
                    seat.claims_late,
                    seat.claim_from,
                    seat.bond,
                    str(seat.price),
                    seat.opened_at,
                    seat.ready_at,
                    seat.tries,
                    seat.reason,
                ),
            )

    def get(self, key: SeatKey) -> Seat | None:
        """Return a seat by its key."""
        rows = self._database.query(
            "SELECT * FROM seats WHERE job = ? AND batch = ? AND round = ?", *_parts(key)
        )
        return _seat(rows[0]) if rows else None

    def in_states(self, *states: SeatState) -> list[Seat]:
        """Return the seats in these states, the oldest round first."""
        marks = ",".join("?" * len(states))
        rows = self._database.query(
            f"SELECT * FROM seats WHERE state IN ({marks}) ORDER BY opened_at, batch",  # noqa: S608
            *states,
        )
        return [_seat(row) for row in rows]

    def in_service(self, service: str, *states: SeatState) -> list[Seat]:
        """Return the seats in these states in jobs of a service, the oldest round first."""
        marks = ",".join("?" * len(states))
        rows = self._database.query(
            "SELECT seats.* FROM seats JOIN jobs USING (job) WHERE service = ?"  # noqa: S608
            f" AND seats.state IN ({marks}) ORDER BY opened_at, batch",
            service,
            *states,
        )
        return [_seat(row) for row in rows]

    def count(self) -> dict[str, int]:
        """Return the number of seats by state."""
        rows = self._database.query("SELECT state, count(*) AS n FROM seats GROUP BY state")
        return {row["state"]: row["n"] for row in rows}

    def count_in(self, service: str) -> dict[str, int]:
        """Return the number of seats in jobs of a service, by state."""
        rows = self._database.query(
            "SELECT seats.state, count(*) AS n FROM seats CROSS JOIN jobs USING (job)"
            " WHERE service = ? GROUP BY seats.state",
            service,
        )
        return {row["state"]: row["n"] for row in rows}

    def in_flight(self) -> int:
        """Return the number of seats that have not ended."""
        return sum(count for state, count in self.count().items() if state not in ENDED)

    def in_job(self, job: JobKey) -> dict[SeatKey, Seat]:
        """Return every seat in a job, ended ones too."""
        rows = self._database.query("SELECT * FROM seats WHERE job = ?", job)
        return {seat.key: seat for seat in map(_seat, rows)}

    def locked(self) -> Gwei:
        """Return the bonds of all seats that have not ended, in gwei."""
        marks = ",".join("?" * len(IN_FLIGHT))
        return self._bonds(f"state IN ({marks})", *IN_FLIGHT)

    def unlocked_yet(self) -> Gwei:
        """Return the bonds of seats whose claim is not made yet: Staking does not know of them."""
        return self._bonds(
            "state IN (?, ?) OR (claims_late AND state IN (?, ?, ?))",
            SeatState.CANDIDATE,
            SeatState.CLAIMING,
            SeatState.RUNNING,
            SeatState.RAN,
            SeatState.SEALING,
        )

    def _bonds(self, where: str, *parameters: object) -> Gwei:
        sql = f"SELECT coalesce(sum(bond), 0) AS bonds FROM seats WHERE {where}"  # noqa: S608
        return Gwei(self._database.query(sql, *parameters)[0]["bonds"])

    def pace(self, service: str) -> Pace:
        """Return how this host ran a service's tasks lately."""
        row = self._database.query(
            "SELECT sum(fuel) AS fuel, sum(seconds - overhead) AS ran, avg(overhead) AS overhead"
            " FROM (SELECT fuel, seconds, overhead FROM records CROSS JOIN jobs USING (job)"
            " WHERE service = ? AND fuel > 0 ORDER BY records.rowid DESC LIMIT 100)",
            service,
        )[0]
        return Pace(row["fuel"], row["ran"], row["overhead"]) if row["fuel"] else Pace()

    def task_seconds(self, job: JobKey) -> float | None:
        """Return the longest that a task of this job took here, None before the first."""
        rows = self._database.query("SELECT max(seconds) AS s FROM records WHERE job = ?", job)
        longest: float | None = rows[0]["s"]
        return longest

    def move(self, key: SeatKey, state: SeatState, reason: str | None = None) -> None:
        """Bring the seat to its next state."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE seats SET state = ?, reason = ? WHERE job = ? AND batch = ? AND round = ?",
                (state, reason, *_parts(key)),
            )

    def retry(self, key: SeatKey, state: SeatState, reason: str) -> None:
        """Put the seat back to `state` after its transaction failed; the next gets a new name."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE seats SET state = ?, reason = ?, tries = tries + 1"
                " WHERE job = ? AND batch = ? AND round = ?",
                (state, reason, *_parts(key)),
            )

    def mark_ready(self, key: SeatKey, at: Timestamp | None) -> None:
        """Remember since when every seat of the round is sealed; None takes it back."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE seats SET ready_at = ? WHERE job = ? AND batch = ? AND round = ?",
                (at, *_parts(key)),
            )

    def add_record(self, job: JobKey, record: TaskRecord) -> None:
        """Keep a task's record. The first one stays: what was computed is never changed."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job,
                    record.task,
                    record.batch,
                    record.digest,
                    record.document,
                    record.bundle,
                    record.fuel,
                    record.seconds,
                    record.overhead,
                ),
            )

    def records(self, job: JobKey, tasks: Sequence[TaskIndex]) -> list[TaskRecord]:
        """Return the records of these tasks that are there, in the tasks' order."""
        marks = ",".join("?" * len(tasks))
        columns = "task, batch, digest, document, bundle, fuel, seconds, overhead"
        rows = self._database.query(
            f"SELECT {columns} FROM records WHERE job = ? AND task IN ({marks})"  # noqa: S608
            " ORDER BY task",
            job,
            *tasks,
        )
        return [TaskRecord(*row) for row in rows]

    def of_batch(self, job: JobKey, batch: BatchIndex) -> list[Seat]:
        """Return the seats in a batch, ended ones too; the latest round last."""
        rows = self._database.query(
            "SELECT * FROM seats WHERE job = ? AND batch = ? ORDER BY round", job, batch
        )
        return [_seat(row) for row in rows]

    def batches_with_bundle(self, bundle: Digest) -> list[tuple[JobKey, BatchIndex]]:
        """Return the batches of which a task's outputs are this blob."""
        rows = self._database.query(
            "SELECT DISTINCT job, batch FROM records WHERE bundle = ?", bundle
        )
        return [(row["job"], row["batch"]) for row in rows]

    def add_earning(self, key: SeatKey, earning: Earning) -> None:
        """Keep what a settlement brought."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO earnings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *_parts(key),
                    earning.block,
                    earning.token,
                    str(earning.paid),
                    earning.burnt,
                    earning.released,
                ),
            )

    def earnings(self) -> list[Earning]:
        """Return every settlement's earning, in the chain's order."""
        rows = self._database.query("SELECT * FROM earnings ORDER BY block")
        return [_earning(row) for row in rows]

    def earnings_by_job(self) -> dict[JobKey, list[Earning]]:
        """Return the same by the job that brought them."""
        found: dict[JobKey, list[Earning]] = {}
        for row in self._database.query("SELECT * FROM earnings"):
            found.setdefault(JobKey(row["job"]), []).append(_earning(row))
        return found

    def earning(self, key: SeatKey) -> Earning | None:
        """Return what the settlement of a seat brought, None before it."""
        rows = self._database.query(
            "SELECT * FROM earnings WHERE job = ? AND batch = ? AND round = ?", *_parts(key)
        )
        return _earning(rows[0]) if rows else None


def _parts(key: SeatKey) -> tuple[JobKey, BatchIndex, int]:
    return key.job, key.batch, key.round


def _earning(row: Row) -> Earning:
    paid = Wei(int(row["paid"]))
    return Earning(paid, row["burnt"], row["released"], row["token"], row["block"])


def _seat(row: Row) -> Seat:
    return Seat(
        key=SeatKey(row["job"], row["batch"], row["round"]),
        state=SeatState(row["state"]),
        mask=row["mask"],
        is_growth=bool(row["is_growth"]),
        claims_late=bool(row["claims_late"]),
        claim_from=row["claim_from"],
        bond=row["bond"],
        price=Wei(int(row["price"])),
        opened_at=row["opened_at"],
        ready_at=row["ready_at"],
        tries=row["tries"],
        reason=row["reason"],
    )
