"""Runs tasks again on this machine and compares: the last word for whoever does not trust."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.client.output import claim_of
from worker.client.source import WORK, source_of
from worker.client.view import JobView
from worker.executors.base import Executor
from worker.protocol.record import Record, blind
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.types import TaskIndex, Timestamp
from worker.work.execute import execute_task
from worker.work.prepare import Preparer

_SECONDS = 86_400.0
"""A task's own fuel ends it; this only stops a host that hangs."""


@dataclass(frozen=True)
class Verdict:
    """Whether this machine came to the value of one task that operators are paid for."""

    task: TaskIndex
    agrees: bool


@dataclass(frozen=True)
class WasmVerdict(Verdict):
    """A verdict with the record of the run here."""

    record: Record


async def verify_wasm(
    view: JobView,
    tasks: Sequence[int],
    executor: Executor,
    fetcher: Fetcher,
    store: BlobStore,
    scratch: Path,
) -> AsyncIterator[WasmVerdict]:
    """Yield a verdict on each task, in order; `scratch` is an existing folder.

    Raises NotFoundError for a task without result, FetchError when the inputs are gone,
    InvalidManifestError when this machine has another engine, ExecutionFailedError when this
    machine cannot finish a run.
    """
    claims = [claim_of(view, index) for index in tasks]
    preparer = Preparer(fetcher, executor, WORK)
    keep = Timestamp(view.terms.expiry)
    job = await preparer.prepare_job(source_of(view), keep)
    for claim in claims:
        batch = await preparer.prepare_batch(job, claim.task, 1, keep)
        result = await execute_task(
            job, batch.tasks[0], executor, store, scratch=scratch, seconds=_SECONDS, keep_until=keep
        )
        agrees = blind(result.record.digest()) == claim.value
        yield WasmVerdict(claim.task, agrees, result.record)
