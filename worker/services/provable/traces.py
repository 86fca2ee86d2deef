"""What this worker's openings commit to, for whoever checks them: traces, segments and tensors."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from worker.errors import NotFoundError
from worker.executors.tensor import TensorExecutor
from worker.services.desk import Desk
from worker.services.preparer import PrepareService
from worker.services.provable.lane import Turn
from worker.storage.blobs import BlobStore
from worker.storage.jobs import PostedJob
from worker.storage.seats import TaskRecord
from worker.types import JobKey, TaskIndex
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

_DIGEST_BYTES = 32


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
        posted, record = self._find(job, task)
        facts = (await self._preparer.obtain_job(posted)).facts
        if record.bundle is None:
            raise NotFoundError("that task has no result here")
        path = self._blobs.path(record.bundle)

        def read() -> bytes:
            with path.open("rb") as file:
                return file.read(_DIGEST_BYTES * len(facts.ops))

        return await asyncio.to_thread(read)

    async def segment(self, job: JobKey, task: TaskIndex, segment: int) -> bytes:
        """Return the leaves of a segment's trace, 32 bytes for each operator."""
        batch = await self._batch(job, task)
        if segment > batch.job.facts.ops[-1].segment:
            raise NotFoundError(f"no segment {segment}")
        work = self._executor.segment(batch.tasks[task], segment)
        return await self._compute(("segment", job, task, segment), work)

    async def tensor(self, job: JobKey, task: TaskIndex, operator: int) -> bytes:
        """Return the bytes of what an operator wrote, its rows one after the other."""
        batch = await self._batch(job, task)
        if operator >= len(batch.job.facts.ops):
            raise NotFoundError(f"no operator {operator}")
        work = self._executor.tensor(batch.tasks[task], operator)
        return await self._compute(("tensor", job, task, operator), work)

    async def _batch(self, job: JobKey, task: TaskIndex) -> PreparedTensorBatch:
        posted, record = self._find(job, task)
        return await self._preparer.obtain(posted, record.batch)

    def _find(self, job: JobKey, task: TaskIndex) -> tuple[PostedJob, TaskRecord]:
        """Return the job and the record of a task of a batch that this worker opened."""
        posted = self._desk.jobs.get(job)
        records = self._desk.seats.records(job, [task])
        if posted is None or posted.service != self._desk.lane.service or not records:
            raise NotFoundError("no such task here")
        seats = self._desk.seats.of_batch(job, records[0].batch)
        if not any(map(self._desk.may_show, seats)):
            raise NotFoundError("that task is not opened")
        return posted, records[0]

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
