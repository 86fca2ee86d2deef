"""A seat's record of a run: the trace that is sealed, and the blob that proves the outputs."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.provable.test_traces import FACTS
from worker.errors import ExecutionFailedError
from worker.executors.tensor import TensorExecution, TensorTaskRun
from worker.protocol.tensor_job import TensorResult
from worker.services.provable.work import TensorWork
from worker.storage.blobs import BlobStore
from worker.types import BatchIndex, Digest, TaskIndex, Timestamp
from worker.work.prepare import JobSource
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

RUN = TensorTaskRun(Path("p"), FACTS.root, ())
SOURCE = JobSource(Digest(bytes(32)), Digest(FACTS.root), bytes(32), 9, ())
BATCH = PreparedTensorBatch(PreparedTensorJob(SOURCE, Path("p"), FACTS, ()), {TaskIndex(7): RUN})
LATER = Timestamp(4_000_000_000)


class Executor:
    """Has run everything already."""

    async def run(self, task: TensorTaskRun) -> TensorExecution:
        assert task is RUN
        return TensorExecution(b"t" * 32, b"l" * 32, b"outputs", 0.5)


async def _run(folder: Path, quota: int = 1 << 20) -> tuple[Any, BlobStore]:
    blobs = BlobStore(folder / "blobs", quota=quota, free_floor=0)
    work = TensorWork(Executor(), blobs)  # type: ignore[arg-type]
    return await work.run(BATCH, BatchIndex(3), TaskIndex(7), LATER), blobs


async def test_run__record__trace_document_and_kept_blob(tmp_path: Path) -> None:
    record, blobs = await _run(tmp_path)
    blob = b"l" * 32 + b"outputs"
    assert (record.task, record.batch, record.digest) == (7, 3, b"t" * 32)
    assert record.fuel == FACTS.cost.steps
    result = TensorResult.decode(record.document)
    assert (result.blob, result.size) == (hashlib.sha256(blob).hexdigest(), len(blob))
    assert blobs.read(record.bundle) == blob
    assert blobs.info(record.bundle).keep_until == LATER


async def test_run__no_room_for_the_blob__the_host_failed(tmp_path: Path) -> None:
    with pytest.raises(ExecutionFailedError, match="host"):
        await _run(tmp_path, quota=8)
