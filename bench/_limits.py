"""What a chain holds, what a task costs, what a worker must read and keep."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from worker.protocol.words import OnDissent, Terms
from worker.storage.database import Database
from worker.storage.jobs import JobLog, JobStore, PostedJob
from worker.types import (
    Address,
    BatchIndex,
    Digest,
    Gwei,
    JobKey,
    OperatorId,
    Seconds,
    Timestamp,
    Wei,
)

CHAINS = {
    "5 Mgas/s (60 M every 12 s)": 5e6,
    "7 Mgas/s (Arbitrum One's target)": 7e6,
    "70 Mgas/s (140 M every 2 s)": 70e6,
    "200 Mgas/s (400 M every 2 s, Base)": 200e6,
}
GAS_GWEI = (0.01, 0.05, 1.0)
ETHER_DOLLARS = 1_917
PATHS = {
    "replicated, one task, steps apart": "single_separate",
    "replicated, one task, short path": "single_short",
    "replicated, of a batch of 32, steps apart": "batch32_separate",
    "replicated, of a batch of 32, concluded": "batch32_conclude",
    "provable, one task, not audited": "provable_short",
    "provable, one task, audited": "provable_audited",
}
"""Gas of a task, everybody's added, by its key in results/gas.json."""

LOGS_SEPARATE = 1 + 3 + 3 + 3 + 1  # posting, claims, seals, reveals, settlement
_JOBS = 2_000


def throughput(gas: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the tasks a second that a chain's whole gas would hold."""
    return {
        name: {chain: round(rate / gas[key], 1) for chain, rate in CHAINS.items()}
        for name, key in PATHS.items()
    }


def cents(gas: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return what a task costs in US cents at each gas price, all parties' gas together."""
    return {
        name: {
            f"{price:g} gwei": round(gas[key] * price * 1e-9 * ETHER_DOLLARS * 100, 3)
            for price in GAS_GWEI
        }
        for name, key in PATHS.items()
    }


def storage() -> dict[str, float]:
    """Return what the worker's real database takes for a job and for a log, and how long the
    writing of one log takes when a block's are written in one step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "worker.sqlite"
        database = Database(path)
        store = JobStore(database)
        empty = path.stat().st_size
        with database.transaction():
            for number in range(_JOBS):
                store.add_job(_job(number))
        database.query("PRAGMA wal_checkpoint(TRUNCATE)")
        with_jobs = path.stat().st_size
        began = time.process_time()
        for start in range(0, _JOBS, 100):
            store.add_logs(log for number in range(start, start + 100) for log in _logs(number))
        took = time.process_time() - began
        database.query("PRAGMA wal_checkpoint(TRUNCATE)")
        with_logs = path.stat().st_size
        database.close()
    count = _JOBS * (LOGS_SEPARATE - 1)
    return {
        "bytes_per_job": round((with_jobs - empty) / _JOBS),
        "bytes_per_log": round((with_logs - with_jobs) / count),
        "microseconds_per_log": round(1e6 * took / count, 1),
    }


def _job(number: int) -> PostedJob:
    terms = Terms(
        Wei(10**16), Gwei(10**7), 1, 3, 3, 0, OnDissent.SETTLE, 0, 100,
        Seconds(600), Seconds(600), Seconds(600), Timestamp(2**31),
    )  # fmt: skip
    digest = Digest(bytes(31) + b"\1")
    job = PostedJob(
        _key(number), "ReplicatedJobs", number // 10, Address("0x" + "11" * 20), terms.a, terms.b,
        bytes(32), number, digest, bytes(32), digest,
        b"https://operator.example/blobs/{digest}", Timestamp(2**31),
    )  # fmt: skip
    return replace(job, nonce=number)


def _logs(number: int) -> list[JobLog]:
    """Return a batch's logs after its posting, where all goes well in separate steps."""
    job, batch = _key(number), BatchIndex(0)
    common = {"job": bytes(job), "batch": batch, "round": 0}
    seats = [{**common, "operator": OperatorId(10_000 + seat)} for seat in range(3)]
    kinds = [("SeatClaimed", one) for one in seats]
    kinds += [("ResultSealed", {**one, "digest": bytes(32)}) for one in seats]
    kinds += [("ResultRevealed", {**one, "values": [bytes(32)]}) for one in seats]
    settled = {**common, "values": [bytes(32)], "seats": [2**200] * 3, "servers": 2**71}
    kinds.append(("BatchSettled", {**settled, "paid_mask": 1, "settled_at": 2**31}))
    return [JobLog(number, index, name, job, args) for index, (name, args) in enumerate(kinds)]


def _key(number: int) -> JobKey:
    return JobKey(number.to_bytes(32, "big"))
