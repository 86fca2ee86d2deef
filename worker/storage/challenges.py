"""What was made of others' openings in provable jobs: right, or wrong and how far that is shown."""

from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Row

from worker.storage.database import Database
from worker.storage.jobs import JobLog, job_log
from worker.types import BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp


class CaseState(StrEnum):
    """suspect → proven → convicted → rewarded; or right, doubtful, dismissed, ended, lost."""

    RIGHT = "right"  # a run here gave the same
    DOUBTFUL = "doubtful"  # two runs here gave different results: nobody is accused
    SUSPECT = "suspect"  # it differs; the lie is being looked for
    PROVEN = "proven"  # the proof is here
    SPARED = "spared"  # proven, but the operator of this worker does not pay the gas for it
    CONVICTED = "convicted"  # by this worker; a bounty may still wait
    REWARDED = "rewarded"
    DISMISSED = "dismissed"  # the court refuses the proof
    ENDED = "ended"  # the seat ended without this worker's proof
    LOST = "lost"  # a wrong result became final


OPEN = (CaseState.SUSPECT, CaseState.PROVEN, CaseState.CONVICTED)
"""States in which something is left to do."""


WRONG = (*OPEN, CaseState.DOUBTFUL, CaseState.SPARED, CaseState.DISMISSED, CaseState.LOST)
"""States that a person may want to look at."""


@dataclass(frozen=True)
class CaseKey:
    """A seat that opened results."""

    job: JobKey
    batch: BatchIndex
    round: int
    operator: OperatorId

    @property
    def name(self) -> str:
        """A short name for logs, and part of the names of transactions."""
        return f"{self.job.hex()}/{self.batch}/{self.round}/{self.operator}"


@dataclass(frozen=True)
class Case:
    """A seat's opening, and what is known of it."""

    key: CaseKey
    state: CaseState
    task: TaskIndex | None = None
    proof: bytes | None = None
    segment: int = 0
    fault: str | None = None
    tries: int = 0
    retry_at: int = 0
    reason: str | None = None


class CaseStore:
    """The cases of one worker. Every method is one durable step, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, case: Case) -> None:
        """Keep a new case; one that is here stays as it is."""
        key = case.key
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO challenges (job, batch, round, operator, state, task)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (key.job, key.batch, key.round, key.operator, case.state, case.task),
            )

    def get(self, key: CaseKey) -> Case | None:
        """Return the case about a seat."""
        rows = self._database.query(
            "SELECT * FROM challenges WHERE job = ? AND batch = ? AND round = ? AND operator = ?",
            key.job,
            key.batch,
            key.round,
            key.operator,
        )
        return _case(rows[0]) if rows else None

    def unchecked(self, service: str, block: int, since: Timestamp) -> list[JobLog]:
        """Return the openings that there is no case about, in blocks up to `block` and in jobs of a
        service that expire after `since`, in the chain's order."""
        rows = self._database.query(
            "SELECT l.* FROM logs l JOIN jobs j ON j.job = l.job AND j.service = ?"
            " WHERE l.name = 'ResultRevealed' AND l.block <= ? AND j.ends_at > ?"
            " AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.job = l.job AND"
            " c.batch = l.batch AND c.round = l.round AND c.operator = l.operator)"
            " ORDER BY l.block, l.log_index",
            service,
            block,
            since,
        )
        return [job_log(row) for row in rows]

    def in_states(self, *states: CaseState) -> list[Case]:
        """Return the cases in these states, in the order in which they came."""
        marks = ",".join("?" * len(states))
        rows = self._database.query(
            f"SELECT * FROM challenges WHERE state IN ({marks}) ORDER BY rowid",  # noqa: S608
            *states,
        )
        return [_case(row) for row in rows]

    def count(self) -> dict[CaseState, int]:
        """Return how many cases are in each state."""
        rows = self._database.query("SELECT state, count(*) AS n FROM challenges GROUP BY state")
        return {CaseState(row["state"]): row["n"] for row in rows}

    def move(self, key: CaseKey, state: CaseState, reason: str | None = None) -> None:
        """Say where a case stands now, and why."""
        self._update(key, "state = ?, reason = ?", state, reason)

    def prove(self, key: CaseKey, proof: bytes, segment: int, fault: str) -> None:
        """Keep the proof of a case, and what it shows in words."""
        self._update(
            key,
            "state = ?, proof = ?, segment = ?, fault = ?",
            CaseState.PROVEN,
            proof,
            segment,
            fault,
        )

    def retry(self, key: CaseKey, at: int, reason: str) -> None:
        """Note that a transaction failed, and from when another may be tried."""
        self._update(key, "tries = tries + 1, retry_at = ?, reason = ?", at, reason)

    def _update(self, key: CaseKey, assignment: str, *values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE challenges SET {assignment}"  # noqa: S608  (constants above)
                " WHERE job = ? AND batch = ? AND round = ? AND operator = ?",
                (*values, key.job, key.batch, key.round, key.operator),
            )


def _case(row: Row) -> Case:
    return Case(
        key=CaseKey(row["job"], row["batch"], row["round"], row["operator"]),
        state=CaseState(row["state"]),
        task=row["task"],
        proof=row["proof"],
        segment=row["segment"] or 0,
        fault=row["fault"],
        tries=row["tries"],
        retry_at=row["retry_at"],
        reason=row["reason"],
    )
