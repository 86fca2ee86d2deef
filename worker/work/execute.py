"""Run one prepared task, for the operator who answers for it or the requester who checks."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from worker.executors.base import Executor, TaskRun
from worker.protocol.record import Record
from worker.storage.blobs import BlobStore
from worker.types import Digest, Timestamp
from worker.work.prepare import PreparedJob, PreparedTask, seed_of


@dataclass(frozen=True)
class TaskResult:
    """A run's record, the digest of its output bundle in the blob store, and the wall seconds that
    it took, with those of them in which the program did not run."""

    record: Record
    bundle: Digest
    seconds: float
    overhead: float


async def execute_task(
    job: PreparedJob,
    prepared: PreparedTask,
    executor: Executor,
    store: BlobStore,
    *,
    scratch: Path,
    seconds: float,
    keep_until: Timestamp,
) -> TaskResult:
    """Run a task in a new folder under `scratch`, killed after `seconds`; store its bundle.

    Raises ExecutionFailedError when the host, not the program, ended the run; StoreFullError.
    """
    with tempfile.TemporaryDirectory(prefix="task-", dir=scratch) as folder:
        execution = await executor.execute(
            TaskRun(
                program=job.program,
                limits=job.manifest.limits,
                seed=seed_of(job.source.manifest, prepared.index),
                scratch=Path(folder),
                seconds=seconds,
                args=prepared.task.args,
                env=prepared.task.env,
                files=prepared.files,
            )
        )
        bundle = await asyncio.to_thread(
            store.put_file, execution.bundle, execution.record.output_bytes, keep_until
        )
    return TaskResult(execution.record, bundle, execution.seconds, execution.overhead)
