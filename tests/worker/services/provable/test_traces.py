"""Traces are told of opened seats alone; what is computed again is computed once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.provable.provable_actors import BATCH, JOB, ME, open_provable, seat
from tests.worker.services.service_actors import job_log
from worker.errors import ExecutionFailedError, NotFoundError
from worker.executors.tensor import ProgramFacts, TensorTaskRun
from worker.services.provable.traces import Traces
from worker.storage.blobs import BlobStore
from worker.storage.seats import SeatState, TaskRecord
from worker.tensor.cases import case
from worker.tensor.program import Opcode
from worker.tensor.validate import validate
from worker.types import JobKey, TaskIndex
from worker.work.prepare import JobSource
from worker.work.prepare_tensor import PreparedTensorBatch, PreparedTensorJob

TASK = TaskIndex(1)
PROGRAM = case(Opcode.ADD, 0).program  # one operator
FACTS = ProgramFacts(PROGRAM.root, tuple(PROGRAM.inputs), tuple(PROGRAM.ops), validate(PROGRAM))
OPENED = job_log("ResultRevealed", operator=ME, round=0, values=[])


class Computing:
    """Computes as soon as it is let, and counts."""

    def __init__(self) -> None:
        self.began, self.let = asyncio.Event(), asyncio.Event()
        self.runs = 0
        self.error: Exception | None = None

    async def tensor(self, run: TensorTaskRun, operator: int) -> bytes:
        self.runs += 1
        self.began.set()
        await self.let.wait()
        if self.error:
            raise self.error
        return b"tensor %d" % operator

    async def segment(self, run: TensorTaskRun, segment: int) -> bytes:
        self.runs += 1
        return b"segment %d" % segment


class Preparer:
    """Has every batch ready."""

    async def obtain_job(self, job: Any) -> PreparedTensorJob:
        source = JobSource(job.manifest, job.program, job.inputs, 4, ())
        return PreparedTensorJob(source, Path("p"), FACTS, ())

    async def obtain(self, job: Any, batch: int) -> PreparedTensorBatch:
        run = TensorTaskRun(Path("p"), FACTS.root, ())
        return PreparedTensorBatch(await self.obtain_job(job), {TASK: run})


class Ground:
    """Traces over a seat whose task 1 has run."""

    def __init__(self, folder: Path, *logs: Any) -> None:
        self.executor = Computing()
        self.desk = open_provable(folder)
        self.desk.jobs.add_logs(logs)
        self.desk.seats.add(seat(SeatState.REVEALED))
        blobs = BlobStore(folder / "blobs", quota=1 << 20, free_floor=0)
        bundle = blobs.put(b"l" * 32 + b"outputs")
        record = TaskRecord(TASK, BATCH, b"r" * 32, b"{}", bundle, 5, 0.1)
        self.desk.seats.add_record(JOB, record)
        parts: Any = (Preparer(), self.executor, blobs)
        self.traces = Traces(self.desk, *parts)


async def test_trace__opened__the_leaves_of_the_blob(tmp_path: Path) -> None:
    traces = Ground(tmp_path, OPENED).traces
    assert await traces.trace(JOB, TASK) == b"l" * 32
    assert await traces.segment(JOB, TASK, 0) == b"segment 0"


@pytest.mark.parametrize(
    "log",
    [
        job_log("ResultRevealed", block=9, operator=ME, round=0, values=[]),  # not confirmed
        job_log("ResultRevealed", operator=2, round=0, values=[]),
        job_log("ResultRevealed", operator=ME, round=1, values=[]),
        job_log("ResultSealed", operator=ME, round=0, digest=bytes(32)),
    ],
)
async def test_trace__not_opened_for_good__is_not_found(tmp_path: Path, log: Any) -> None:
    ground = Ground(tmp_path, log)
    for asked in (
        ground.traces.trace(JOB, TASK),
        ground.traces.segment(JOB, TASK, 0),
        ground.traces.tensor(JOB, TASK, 0),
    ):
        with pytest.raises(NotFoundError, match="not opened"):
            await asked
    assert ground.executor.runs == 0


async def test_any__what_does_not_exist__is_not_found(tmp_path: Path) -> None:
    ground = Ground(tmp_path, OPENED)
    for asked in (
        ground.traces.trace(JOB, TaskIndex(0)),
        ground.traces.trace(JobKey(b"x" * 32), TASK),
        ground.traces.segment(JOB, TASK, 1),
        ground.traces.tensor(JOB, TASK, 1),
    ):
        with pytest.raises(NotFoundError):
            await asked
    assert ground.executor.runs == 0


async def test_tensor__asked_twice_and_cut_off__computed_once(tmp_path: Path) -> None:
    ground = Ground(tmp_path, OPENED)
    cut_off = asyncio.create_task(ground.traces.tensor(JOB, TASK, 0))
    await asyncio.wait_for(ground.executor.began.wait(), 5)
    cut_off.cancel()
    ground.executor.let.set()
    assert await ground.traces.tensor(JOB, TASK, 0) == b"tensor 0"
    assert ground.executor.runs == 1


async def test_tensor__failed__computed_again(tmp_path: Path) -> None:
    ground = Ground(tmp_path, OPENED)
    ground.executor.let.set()
    ground.executor.error = ExecutionFailedError("device", "lost")
    with pytest.raises(ExecutionFailedError):
        await ground.traces.tensor(JOB, TASK, 0)
    ground.executor.error = None
    assert await ground.traces.tensor(JOB, TASK, 0) == b"tensor 0"
