"""Running tasks of WebAssembly jobs for a seat."""

from pathlib import Path

import structlog

from worker.errors import ExecutionFailedError, InvalidProgramError, StoreFullError
from worker.executors.base import Executor
from worker.protocol.record import FAILED
from worker.protocol.results import TaskResult
from worker.storage.blobs import BlobStore
from worker.storage.seats import TaskRecord
from worker.types import BatchIndex, TaskIndex, Timestamp
from worker.work.execute import execute_task
from worker.work.prepare import PreparedBatch

log = structlog.get_logger(__name__)


class WasmWork:
    """Runs each task in a child process; see `runner.Work`."""

    def __init__(
        self, executor: Executor, blobs: BlobStore, scratch: Path, seconds: float, parallel: int
    ) -> None:
        """A task that takes longer than `seconds` is killed, and counts as failed."""
        self.parallel = parallel
        self._executor = executor
        self._blobs = blobs
        self._scratch = scratch
        self._seconds = seconds

    async def run(
        self, batch: PreparedBatch, number: BatchIndex, task: TaskIndex, keep_until: Timestamp
    ) -> TaskRecord:
        """Return a task's record: FAILED where the host, not the program, ended the run."""
        prepared = next(one for one in batch.tasks if one.index == task)
        try:
            result = await execute_task(
                batch.job,
                prepared,
                self._executor,
                self._blobs,
                scratch=self._scratch,
                seconds=self._seconds,
                keep_until=keep_until,
            )
        except (ExecutionFailedError, InvalidProgramError, StoreFullError) as error:
            log.warning("run failed", job=batch.job.source.manifest, task=task, error=str(error))
            return TaskRecord(task, number, FAILED, None, None, 0, 0.0)
        record = result.record
        return TaskRecord(
            task=task,
            batch=number,
            digest=record.digest(),
            document=TaskResult.of(record, result.bundle).encode(),
            bundle=result.bundle,
            fuel=record.fuel,
            seconds=result.seconds,
            overhead=result.overhead,
        )
