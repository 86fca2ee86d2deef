"""Running tasks of provable jobs for a seat: a record is a trace, its blob proves the outputs."""

import asyncio

from worker.errors import ExecutionFailedError, InvalidBlobError, StoreFullError
from worker.executors.tensor import TensorExecution, TensorExecutor
from worker.protocol.tensor_job import TensorResult
from worker.storage.blobs import BlobStore
from worker.storage.seats import TaskRecord
from worker.types import BatchIndex, Digest, TaskIndex, Timestamp
from worker.work.prepare_tensor import PreparedTensorBatch


class TensorWork:
    """Runs one task after the other: the backend has the whole machine; see `runner.Work`."""

    parallel = 1

    def __init__(self, executor: TensorExecutor, blobs: BlobStore) -> None:
        self._executor = executor
        self._blobs = blobs

    async def run(
        self, batch: PreparedTensorBatch, number: BatchIndex, task: TaskIndex, keep_until: Timestamp
    ) -> TaskRecord:
        """Return a task's record. Raises ExecutionFailedError: nothing else can be sealed here."""
        try:
            done = await self._executor.run(batch.tasks[task])
            bundle = await asyncio.to_thread(self._store, done, keep_until)
        except (StoreFullError, InvalidBlobError) as error:
            raise ExecutionFailedError("host", str(error)) from error
        size = len(done.leaves) + len(done.outputs)
        return TaskRecord(
            task=task,
            batch=number,
            digest=done.trace,
            document=TensorResult(blob=bundle.hex(), size=size).encode(),
            bundle=bundle,
            fuel=batch.job.facts.cost.steps,
            seconds=done.seconds,
        )

    def _store(self, done: TensorExecution, keep_until: Timestamp) -> Digest:
        return self._blobs.put(done.leaves + done.outputs, keep_until)
