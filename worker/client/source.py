"""A posted job's content: what the chain says of it, and a tensor program ready to be run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from worker.client.view import JobView
from worker.executors.tensor import TensorExecutor
from worker.storage.fetch import Fetcher
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.validate import TensorLimits
from worker.types import Digest, Timestamp
from worker.work.prepare import JobSource, WorkLimits
from worker.work.prepare_tensor import PreparedTensorJob, TensorPreparer

WORK = WorkLimits(fuel=1 << 50, memory_bytes=4 << 30, output_bytes=1 << 30, log_bytes=1 << 24)
"""The most that a requester's machine takes on."""

_TENSOR = TensorLimits(constant_bytes=1 << 30, steps=10**14, peak_bytes=8 << 30)


@dataclass(frozen=True)
class TensorJob:
    """A provable job's program, fetched and checked, and what runs its tasks on this machine."""

    job: PreparedTensorJob
    preparer: TensorPreparer
    executor: TensorExecutor


def source_of(view: JobView) -> JobSource:
    """Return what the posting says about the job's content."""
    return JobSource(
        manifest=Digest(view.origin.manifest),
        program=Digest(view.origin.program),
        inputs_root=view.origin.inputs,
        task_count=view.terms.tasks,
        locators=view.locators,
    )


@asynccontextmanager
async def open_tensor_job(view: JobView, fetcher: Fetcher) -> AsyncIterator[TensorJob]:
    """Fetch a provable job's program and table and check them against the posting.

    Raises FetchError when they are gone, InvalidManifestError, InvalidProgramError.
    """
    executor = TensorExecutor(NumpyBackend(), _TENSOR)
    try:
        preparer = TensorPreparer(fetcher, executor, WORK)
        job = await preparer.prepare_job(source_of(view), Timestamp(view.terms.expiry))
        yield TensorJob(job, preparer, executor)
    finally:
        await executor.close()
