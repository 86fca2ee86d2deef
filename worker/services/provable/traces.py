"""What this worker's openings commit to, for whoever checks them: traces, segments and tensors."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from worker.errors import NotFoundError
from worker.executors.tensor import TensorExecutor
from worker.services.desk import Desk
from worker.services.preparer import PrepareService
from worker.services.provable.lane import Turn
from worker.storage.blobs import BlobStore
from worker.types import Digest, JobKey, TaskIndex
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class _Opened:
    """A task of a batch that this worker opened, ready to be run again."""

    batch: PreparedTensorBatch
    task: TaskIndex
    bundle: Digest


class Traces:
    """Answers for seats that opened, from the blob or by running again on the same backend.

    Every method raises NotFoundError for what does not exist or may not be seen yet, JobError or
    RetryableError when it cannot be told now.
    """

    def __init__(
        self,
        desk: Desk[Turn],
        preparer: PrepareService[PreparedTensorJob, PreparedTensorBatch],
        executor: TensorExecutor,
        blobs: BlobStore,
    ) -> None:
        self._desk = desk
        self._preparer = preparer
        self._executor = executor
        self._blobs = blobs
        self._last: tuple[object, asyncio.Task[bytes]] | None = None

    async def trace(self, job: JobKey, task: TaskIndex) -> bytes:
        """Return the leaves of the task's trace, 32 bytes for each operator."""
        opened = await self._find(job, task)
        size = _DIGEST_BYTES * len(opened.batch.job.facts.ops)
        path = self._blobs.path(opened.bundle)

        def read() -> bytes:
            with path.open("rb") as file:
                return file.read(size)

        return await asyncio.to_thread(read)

    async def segment(self, job: JobKey, task: TaskIndex, segment: int) -> bytes:
        """Return the leaves of a segment's trace, 32 bytes for each operator."""
        opened = await self._find(job, task)
        if segment > opened.batch.job.facts.ops[-1].segment:
            raise NotFoundError(f"no segment {segment}")
        run = opened.batch.tasks[opened.task]
        return await self._compute(
            ("segment", job, task, segment), self._executor.segment(run, segment)
        )

    async def tensor(self, job: JobKey, task: TaskIndex, operator: int) -> bytes:
        """Return the bytes of what an operator wrote, its rows one after the other."""
        opened = await self._find(job, task)
        if operator >= len(opened.batch.job.facts.ops):
            raise NotFoundError(f"no operator {operator}")
        run = opened.batch.tasks[opened.task]
        return await self._compute(
            ("tensor", job, task, operator), self._executor.tensor(run, operator)
        )

    async def _find(self, job: JobKey, task: TaskIndex) -> _Opened:
        posted = self._desk.jobs.get(job)
        records = self._desk.seats.records(job, [task])
        if posted is None or posted.service != self._desk.lane.service or not records:
            raise NotFoundError("no such task here")
        record = records[0]
        seats = self._desk.seats.of_batch(job, record.batch)
        if record.bundle is None or not any(map(self._desk.may_show, seats)):
            raise NotFoundError("that task is not opened")
        batch = await self._preparer.obtain(posted, record.batch)
        return _Opened(batch, task, record.bundle)

    async def _compute(self, key: object, work: Coroutine[Any, Any, bytes]) -> bytes:
        """Return what `work` gives. The last answer is kept, also for who asks while it is made:
        a peer that was cut off finds it done when it comes again."""
        if self._last is not None and self._last[0] == key and not _has_failed(self._last[1]):
            work.close()
        else:
            self._last = key, asyncio.create_task(work)
        return await asyncio.shield(self._last[1])


def _has_failed(task: "asyncio.Task[bytes]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
