"""Runs tasks again on this machine and compares: the last word for whoever does not trust."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.client.outputs import claim_of
from worker.client.view import JobView
from worker.executors.base import Executor
from worker.protocol.record import Record, blind
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.types import Digest, TaskIndex, Timestamp
from worker.work.execute import execute_task
from worker.work.prepare import JobSource, Preparer, WorkLimits

_SECONDS = 86_400.0
"""A task's own fuel ends it; this only stops a host that hangs."""


@dataclass(frozen=True)
class Verdict:
    """What one task gave here, beside the value that the operators were paid for."""

    task: TaskIndex
    record: Record
    settled: bytes

    @property
    def agrees(self) -> bool:
        """Whether this machine came to the same result."""
        return blind(self.record.digest()) == self.settled


async def verify_tasks(
    view: JobView,
    tasks: Sequence[int],
    executor: Executor,
    fetcher: Fetcher,
    store: BlobStore,
    scratch: Path,
) -> AsyncIterator[Verdict]:
    """Yield a verdict on each task, in order; `scratch` is an existing folder.

    Raises NotFoundError for a task without result, FetchError when the inputs are gone,
    InvalidManifestError when this machine has another engine, ExecutionFailedError when this
    machine cannot finish a run.
    """
    claims = [claim_of(view, index) for index in tasks]
    limits = WorkLimits(fuel=1 << 50, memory_bytes=4 << 30, output_bytes=1 << 30, log_bytes=1 << 24)
    preparer = Preparer(fetcher, executor, limits)
    keep = Timestamp(view.terms.expiry)
    source = JobSource(
        manifest=Digest(view.origin.manifest),
        program=Digest(view.origin.program),
        inputs_root=view.origin.inputs,
        task_count=view.terms.tasks,
        locators=view.locators,
    )
    job = await preparer.prepare_job(source, keep)
    for claim in claims:
        batch = await preparer.prepare_batch(job, claim.task, 1, keep)
        result = await execute_task(
            job, batch.tasks[0], executor, store, scratch=scratch, seconds=_SECONDS, keep_until=keep
        )
        yield Verdict(claim.task, result.record, claim.value)
