"""Jobs as the chain tells of them: logs by block, the posted jobs, and why some were refused."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Row
from typing import Any

from worker.storage.database import Database
from worker.types import Address, BatchIndex, Digest, JobKey, OperatorId, Timestamp

_NO_LIMIT = -1


class JobState(StrEnum):
    """seen → ready | refused; a ready job's blobs are fetched once one of its seats is drawn."""

    SEEN = "seen"
    READY = "ready"  # the policy takes it
    REFUSED = "refused"


@dataclass(frozen=True)
class JobLog:
    """One event of a jobs service, with the fields that rows are found by."""

    block: int
    log_index: int
    name: str
    job: JobKey
    args: Mapping[str, Any]

    @property
    def batch(self) -> BatchIndex | None:
        """The batch it is about, if any."""
        return self.args.get("batch")

    @property
    def round(self) -> int | None:
        """The round it is about, if any."""
        return self.args.get("round")

    @property
    def operator(self) -> OperatorId | None:
        """The operator it is about, if any."""
        return self.args.get("operator")


@dataclass(frozen=True)
class PostedJob:
    """A posting, whole: everything that its key is the hash of, and where its blobs are. `service`
    is the name of the contract that it was posted to."""

    job: JobKey
    service: str
    block: int
    payer: Address
    a: int
    b: int
    named: bytes
    nonce: int
    program: Digest
    inputs: bytes
    manifest: Digest
    locators: bytes
    ends_at: Timestamp


@dataclass(frozen=True)
class Refusal:
    """How often work was refused for `reason`, and for which job last."""

    reason: str
    count: int
    job: JobKey
    at: Timestamp


class JobStore:
    """Logs, jobs and refusals. Every method is one durable step, or part of the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_logs(self, logs: Iterable[JobLog]) -> None:
        """Keep the logs; one that is here already stays as it is."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        log.block,
                        log.log_index,
                        log.name,
                        log.job,
                        log.batch,
                        log.round,
                        log.operator,
                        _dump(log.args),
                    )
                    for log in logs
                ],
            )

    def add_job(self, job: PostedJob) -> None:
        """Keep a posted job; after a reorganisation only its block changes."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO jobs (job, service, block, payer, a, b, named, nonce, program, inputs,"
                " manifest, locators, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (job) DO UPDATE SET block = excluded.block",
                (
                    job.job,
                    job.service,
                    job.block,
                    job.payer,
                    _word(job.a),
                    _word(job.b),
                    job.named,
                    _word(job.nonce),
                    job.program,
                    job.inputs,
                    job.manifest,
                    job.locators,
                    job.ends_at,
                ),
            )

    def undo_above(self, block: int) -> None:
        """Forget what blocks above `block` said. A job with a seat of ours stays: its posting
        will be mined again, or its transactions fail."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM logs WHERE block > ?", (block,))
            connection.execute(
                "DELETE FROM jobs WHERE block > ? AND job NOT IN (SELECT job FROM seats)", (block,)
            )

    def get(self, job: JobKey) -> PostedJob | None:
        """Return a job by its key."""
        rows = self._database.query("SELECT * FROM jobs WHERE job = ?", job)
        return _posted(rows[0]) if rows else None

    def posted(self) -> list[PostedJob]:
        """Return every job, in the order of blocks."""
        return [_posted(row) for row in self._database.query("SELECT * FROM jobs ORDER BY block")]

    def open_jobs(
        self,
        service: str,
        state: JobState,
        block: int,
        now: Timestamp,
        limit: int = _NO_LIMIT,
    ) -> list[PostedJob]:
        """Return a service's jobs in that state, posted at or below `block`, that can still be
        claimed: the first `limit` that were stored."""
        rows = self._database.query(
            "SELECT * FROM jobs WHERE service = ? AND state = ? AND block <= ? AND ends_at > ?"
            " ORDER BY rowid LIMIT ?",
            service,
            state,
            block,
            now,
            limit,
        )
        return [_posted(row) for row in rows]

    def ready_after(
        self, service: str, row: int, block: int, now: Timestamp
    ) -> list[tuple[int, PostedJob]]:
        """Return a service's ready jobs as `open_jobs` does, each with the number of its row, from
        the row after `row` on. Rows are numbered as jobs are stored, and become ready so."""
        rows = self._database.query(
            "SELECT rowid AS row, * FROM jobs WHERE rowid > ? AND +service = ? AND +state = ?"
            " AND block <= ? AND ends_at > ? ORDER BY rowid",
            row,
            service,
            JobState.READY,
            block,
            now,
        )
        return [(row["row"], _posted(row)) for row in rows]

    def ready_with(
        self, service: str, names: Sequence[str], above: int, up_to: int
    ) -> list[PostedJob]:
        """Return a service's ready jobs that have a log of one of these names in blocks above
        `above`, up to `up_to`."""
        marks = ",".join("?" * len(names))
        rows = self._database.query(
            "SELECT * FROM jobs WHERE +service = ? AND +state = ? AND job IN ("  # noqa: S608
            f"SELECT job FROM logs WHERE block > ? AND block <= ? AND +name IN ({marks}))",
            service,
            JobState.READY,
            above,
            up_to,
            *names,
        )
        return [_posted(row) for row in rows]

    def state(self, job: JobKey) -> JobState | None:
        """Return what this worker makes of a job, None if it does not know it."""
        rows = self._database.query("SELECT state FROM jobs WHERE job = ?", job)
        return JobState(rows[0]["state"]) if rows else None

    def set_state(self, job: JobKey, state: JobState, reason: str | None = None) -> None:
        """Say what this worker makes of the job."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, reason = ? WHERE job = ?", (state, reason, job)
            )

    def count_refusal(self, job: JobKey, reason: str, now: Timestamp) -> None:
        """Remember why work was not taken."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO refusals VALUES (?, 1, ?, ?) ON CONFLICT (reason) DO UPDATE"
                " SET count = count + 1, job = excluded.job, at = excluded.at",
                (reason, job, now),
            )

    def refusals(self) -> list[Refusal]:
        """Return every reason that occurred, the most frequent first."""
        rows = self._database.query("SELECT * FROM refusals ORDER BY count DESC")
        return [Refusal(row["reason"], row["count"], row["job"], row["at"]) for row in rows]

    def logs(
        self, job: JobKey, batch: BatchIndex, *names: str, up_to: int | None = None
    ) -> list[JobLog]:
        """Return a batch's logs of these names in blocks up to `up_to`, in the chain's order."""
        marks = ",".join("?" * len(names))
        rows = self._database.query(
            f"SELECT * FROM logs WHERE job = ? AND batch = ? AND name IN ({marks})"  # noqa: S608
            " AND block <= ? ORDER BY block, log_index",
            job,
            batch,
            *names,
            (1 << 62) if up_to is None else up_to,
        )
        return [job_log(row) for row in rows]

    def all_logs(self) -> list[JobLog]:
        """Return every log, in the chain's order."""
        rows = self._database.query("SELECT * FROM logs ORDER BY block, log_index")
        return [job_log(row) for row in rows]

    def logs_about(self, operator: OperatorId, name: str, up_to: int) -> list[JobLog]:
        """Return the logs of a name about an operator in blocks up to `up_to`, in their order."""
        rows = self._database.query(
            "SELECT * FROM logs WHERE operator = ? AND name = ? AND block <= ?"
            " ORDER BY block, log_index",
            operator,
            name,
            up_to,
        )
        return [job_log(row) for row in rows]

    def touched(self, above: int, up_to: int) -> set[tuple[JobKey, BatchIndex]]:
        """Return the batches that blocks above `above`, up to `up_to`, say something about."""
        rows = self._database.query(
            "SELECT DISTINCT job, batch FROM logs"
            " WHERE block > ? AND block <= ? AND batch IS NOT NULL",
            above,
            up_to,
        )
        return {(row["job"], row["batch"]) for row in rows}

    def operators_in(self, job: JobKey, limit: int) -> list[OperatorId]:
        """Return some operators that have a seat in the job, the latest first."""
        rows = self._database.query(
            "SELECT operator, max(block) FROM logs WHERE job = ? AND name = 'SeatClaimed'"
            " GROUP BY operator ORDER BY max(block) DESC LIMIT ?",
            job,
            limit,
        )
        return [row["operator"] for row in rows]

    def batches_with(self, job: JobKey, *names: str, up_to: int) -> set[BatchIndex]:
        """Return the job's batches that have a log of one of these names."""
        marks = ",".join("?" * len(names))
        rows = self._database.query(
            f"SELECT DISTINCT batch FROM logs WHERE job = ? AND name IN ({marks})"  # noqa: S608
            " AND block <= ?",
            job,
            *names,
            up_to,
        )
        return {row["batch"] for row in rows}


def job_log(row: Row) -> JobLog:
    """Return a row of the table of logs."""
    return JobLog(row["block"], row["log_index"], row["name"], row["job"], _load(row["args"]))


def _posted(row: Row) -> PostedJob:
    return PostedJob(
        job=row["job"],
        service=row["service"],
        block=row["block"],
        payer=row["payer"],
        a=int.from_bytes(row["a"], "big"),
        b=int.from_bytes(row["b"], "big"),
        named=row["named"],
        nonce=int.from_bytes(row["nonce"], "big"),
        program=row["program"],
        inputs=row["inputs"],
        manifest=row["manifest"],
        locators=row["locators"],
        ends_at=row["ends_at"],
    )


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _dump(args: Mapping[str, Any]) -> str:
    return json.dumps(args, default=_plain)


def _plain(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"no log has a {type(value).__name__}")
    return "0x" + value.hex()


def _load(text: str) -> dict[str, Any]:
    return {name: _bytes(value) for name, value in json.loads(text).items()}


def _bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    if isinstance(value, str) and value.startswith("0x") and len(value) != 42:
        return bytes.fromhex(value[2:])
    return value
