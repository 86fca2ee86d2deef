"""Own runs of provable tasks: what results should be, what a dispute is about, what answers it."""

import asyncio
from collections.abc import Awaitable, Callable

from worker.executors.tensor import TensorExecutor
from worker.protocol.demands import Place
from worker.storage.jobs import PostedJob
from worker.tensor.dispute import Job
from worker.tensor.trace import Trace
from worker.types import BatchIndex, JobKey, TaskIndex
from worker.work.dispute import answer, open_dispute
from worker.work.prepare_tensor import PreparedTensorBatch

_KEPT_BATCHES = 256

Obtain = Callable[[PostedJob, BatchIndex], Awaitable[PreparedTensorBatch]]
"""Fetches and checks a batch. Raises JobError or RetryableError."""

Known = Callable[[JobKey, TaskIndex], bytes | None]
"""Returns the trace root that a seat of this worker has found already."""


class Runs:
    """Runs each task once and keeps its trace root. Every method raises JobError when the batch is
    not what it should be or this host fails, RetryableError when a later try makes sense."""

    def __init__(self, obtain: Obtain, known: Known, executor: TensorExecutor) -> None:
        self._obtain = obtain
        self._known = known
        self._executor = executor
        self._roots: dict[tuple[JobKey, BatchIndex], dict[TaskIndex, bytes]] = {}

    async def root(self, job: PostedJob, batch: BatchIndex, task: TaskIndex) -> bytes:
        """Return a task's trace root."""
        roots = self._roots.setdefault((job.job, batch), {})
        while len(self._roots) > _KEPT_BATCHES:
            self._roots.pop(next(iter(self._roots)))
        if task not in roots:
            roots[task] = self._known(job.job, task) or await self._run(job, batch, task)
        return roots[task]

    async def witness(
        self, job: PostedJob, batch: BatchIndex, task: TaskIndex
    ) -> tuple[Job, Trace]:
        """Return what a dispute starts from, and the trace of a fresh run on NumPy."""
        ready = await self._obtain(job, batch)
        return await asyncio.to_thread(open_dispute, ready, task)

    async def answer(
        self, job: PostedJob, batch: BatchIndex, task: TaskIndex, place: Place
    ) -> bytes:
        """Return what answers a demand for a place of a task."""
        ready = await self._obtain(job, batch)
        return await answer(self._executor, ready.tasks[task], ready.job.facts, place)

    async def _run(self, job: PostedJob, batch: BatchIndex, task: TaskIndex) -> bytes:
        ready = await self._obtain(job, batch)
        return (await self._executor.run(ready.tasks[task])).trace


def nothing_known(_job: JobKey, _task: TaskIndex) -> None:
    """For who has no seats."""
