"""Running prepared tasks: the same record anywhere, the bundle in the store, no traces."""

import pytest
import pytest_asyncio
from wasmtime import wat2wasm

from worker.errors import ExecutionFailedError, StoreFullError
from worker.protocol.bundle import Bundle
from worker.protocol.manifest import Task
from worker.protocol.merkle import chunk_root
from worker.protocol.record import ExitClass
from worker.storage.blobs import BlobStore
from worker.types import TaskIndex, Timestamp
from worker.work.execute import execute_task

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = Timestamp(4_000_000_000)
LOOP = '(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))'


@pytest_asyncio.fixture(loop_scope="module")
async def batch(preparer, payer):
    job = await preparer.prepare_job(payer.post([Task(), Task()]), LATER)
    return await preparer.prepare_batch(job, TaskIndex(0), 2, LATER)


@pytest.fixture
def run(executor, store, tmp_path):
    (tmp_path / "scratch").mkdir()

    def run(batch, number, into=store):
        return execute_task(
            batch.job,
            batch.tasks[number],
            executor,
            into,
            scratch=tmp_path / "scratch",
            seconds=20.0,
            keep_until=LATER,
        )

    return run


async def test_execute__program_ends_well__stores_its_bundle(run, batch, store, tmp_path):
    result = await run(batch, 0)

    assert result.record.exit_class is ExitClass.OK
    assert store.info(result.bundle).size == result.record.output_bytes
    assert store.info(result.bundle).keep_until == LATER
    with store.path(result.bundle).open("rb") as file:
        assert len(Bundle(file).read("stdout")) == 64
        file.seek(0)
        assert chunk_root(file) == result.record.output_root
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_execute__again_and_another_task__only_the_seed_differs(run, batch):
    first, again, other = [await run(batch, number) for number in (0, 0, 1)]

    assert first.record == again.record
    assert first.record.output_root != other.record.output_root
    assert first.record.fuel == other.record.fuel


async def test_execute__store_full__raises_and_leaves_no_scratch(run, batch, tmp_path):
    full = BlobStore(tmp_path / "full", quota=10, free_floor=0)

    with pytest.raises(StoreFullError):
        await run(batch, 0, into=full)
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_execute__time_is_over__raises_and_leaves_no_scratch(
    preparer, payer, executor, store, tmp_path
):
    job = await preparer.prepare_job(payer.post([Task()], code=bytes(wat2wasm(LOOP))), LATER)
    batch = await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)
    (tmp_path / "scratch").mkdir()

    with pytest.raises(ExecutionFailedError, match="time"):
        await execute_task(
            batch.job,
            batch.tasks[0],
            executor,
            store,
            scratch=tmp_path / "scratch",
            seconds=0.0001,
            keep_until=LATER,
        )
    assert list((tmp_path / "scratch").iterdir()) == []
