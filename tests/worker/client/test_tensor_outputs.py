"""Provable results end to end: run, shown on chain, served by an API, checked, run again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.worker.client.conftest import LATER
from tests.worker.client.provable_cast import DIGITS, ProvableCast, digits_file
from worker.api.blobs import BlobRoutes
from worker.api.config import ApiConfig
from worker.api.places import Places
from worker.api.results import ResultRoutes
from worker.api.server import ApiServer
from worker.api.traces import TraceRoutes
from worker.client import AsyncClient
from worker.client.source import open_tensor_job
from worker.client.tensor_verify import Difference
from worker.client.view import JobView
from worker.errors import NotFoundError, VerificationError
from worker.executors.tensor import TensorExecution, TensorExecutor
from worker.protocol.tensor_job import TensorResult
from worker.storage.blobs import BlobStore
from worker.storage.http import Speed
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.validate import TensorLimits
from worker.types import Digest, TaskIndex
from worker.work.prepare_tensor import TensorPreparer

LABELS = np.loadtxt(DIGITS / "labels.txt", dtype=int)
STEP, ROW, COL = 0, 3, 5  # of the element that a faulty backend gets wrong


class Faulty(NumpyBackend):
    """A backend whose first product has one wrong element."""

    def compute(self, op, operands):
        tensor = super().compute(op, operands)
        if op.output.index == STEP:
            tensor = tensor.copy()
            tensor[ROW, COL] ^= 1
        return tensor


@dataclass
class Worker:
    """One worker's public listener; what it tells can be made false."""

    store: BlobStore
    documents: dict[int, bytes] = field(default_factory=dict)
    tensors: dict[tuple[int, int], bytes] = field(default_factory=dict)

    async def is_public(self, digest: Digest) -> bool:
        return True

    async def result(self, job: bytes, task: TaskIndex) -> bytes | None:
        return self.documents.get(task)

    async def trace(self, job: bytes, task: TaskIndex) -> bytes:
        raise NotFoundError("not asked for")

    async def segment(self, job: bytes, task: TaskIndex, segment: int) -> bytes:
        raise NotFoundError("not asked for")

    async def tensor(self, job: bytes, task: TaskIndex, operator: int) -> bytes:
        if (task, operator) not in self.tensors:
            raise NotFoundError("not kept")
        return self.tensors[task, operator]

    def keep(self, task: int, done: TensorExecution) -> None:
        blob = self.store.put(done.leaves + done.outputs, LATER)
        size = len(done.leaves) + len(done.outputs)
        self.documents[task] = TensorResult(blob=blob.hex(), size=size).encode()


@dataclass
class Stage:
    """A posted digits job, and an operator whose worker answers at a real listener."""

    client: AsyncClient
    cast: ProvableCast
    view: JobView
    worker: Worker

    async def run(self, backend: NumpyBackend) -> list[bytes]:
        """Run batch 0 on a backend, serve what came out; return the trace roots."""
        executor = TensorExecutor(backend, TensorLimits())
        values = []
        async with open_tensor_job(self.view, self.client._fetcher) as opened:
            preparer = TensorPreparer(self.client._fetcher, executor, opened.preparer._limits)
            batch = await preparer.prepare_batch(opened.job, TaskIndex(0), 2, LATER)
            for task, run in batch.tasks.items():
                done = await executor.run(run)
                self.worker.keep(task, done)
                self.worker.tensors[task, STEP] = await executor.tensor(run, STEP)
                values.append(done.trace)
        await executor.close()
        return values

    async def verdicts(self):
        return [verdict async for verdict in self.client.verify("digits")]


@pytest.fixture
async def stage(network, client, tmp_path: Path) -> AsyncIterator[Stage]:
    cast = ProvableCast(network, client._network.contracts)
    await cast.join()
    view = await client.view((await client.submit(digits_file(tmp_path / "job"))).key)
    worker = Worker(BlobStore(tmp_path / "worker", 1 << 24, free_floor=0))
    places = Places(total=8, per_peer=8)
    routes = [
        BlobRoutes(worker.store, worker.is_public, places, Speed()),
        ResultRoutes(worker),
        TraceRoutes(worker, places, places, Speed()),
    ]
    config = ApiConfig(public_port=0, admin_port=0)
    async with ApiServer(config, admin=[], public=routes) as server:
        url = f"http://127.0.0.1:{server.public_port}"
        arguments = (1, url, 0, bytes(32), 0, 0, "1", 86_400)
        await cast.send(1, "Registry", "announce", *arguments)
        yield Stage(client, cast, view, worker)


async def test_fetch__settled__arrays_that_name_the_digits(stage: Stage, tmp_path):
    values = await stage.run(NumpyBackend())
    await stage.cast.show(stage.view, 0, values)
    await stage.cast.settle(stage.view, 0, values)

    files = await stage.client.fetch("digits", tmp_path / "out")

    assert [str(file.relative_to(tmp_path)) for file in files] == [
        "out/task-00000/output-0.npy",
        "out/task-00001/output-0.npy",
    ]
    logits = [np.load(file, allow_pickle=False) for file in files]
    assert {(one.dtype, one.shape) for one in logits} == {(np.dtype("int16"), (16, 10))}
    assert np.mean([one.argmax(1) for one in logits] == LABELS[:2]) > 0.9
    with pytest.raises(NotFoundError, match="put out no stderr"):
        await stage.client.logs("digits", 0)


async def test_outputs__in_the_challenge__can_be_had_and_are_not_final(stage: Stage):
    with pytest.raises(NotFoundError, match="no task has a result yet"):
        async for _ in stage.client.outputs("digits"):
            pass
    values = await stage.run(NumpyBackend())
    await stage.cast.show(stage.view, 0, values)

    found = [output async for output in stage.client.outputs("digits")]

    assert sorted((one.task, one.claim.is_final) for one in found) == [(0, False), (1, False)]
    with pytest.raises(NotFoundError, match="task 2 has no result: it is pending"):
        await stage.client.fetch("digits", Path("nowhere"), [2])


async def test_verify__honest_run__agrees(stage: Stage):
    await stage.cast.show(stage.view, 0, await stage.run(NumpyBackend()))

    verdicts = await stage.verdicts()

    assert [(one.task, one.agrees, one.difference) for one in verdicts] == [
        (0, True, None),
        (1, True, None),
    ]


async def test_verify__faulty_run__names_the_first_wrong_element(stage: Stage):
    await stage.cast.show(stage.view, 0, await stage.run(Faulty()))

    first, _ = await stage.verdicts()

    assert (first.agrees, first.is_final) == (False, False)
    found = first.difference
    assert found == Difference(1, STEP, "MATMUL", (ROW, COL), found.theirs, found.theirs ^ 1)
    assert f"operator 1 differs first in step 0 (MATMUL), element [3, 5]: {found.theirs}" in str(
        found
    )


@pytest.mark.parametrize("served", ["nothing", "another"])
async def test_verify__faulty_run_that_hides_its_tensor__names_the_step(stage: Stage, served):
    await stage.cast.show(stage.view, 0, await stage.run(Faulty()))
    if served == "nothing":
        stage.worker.tensors.clear()
    else:
        stage.worker.tensors = {place: bytes(16 * 48) for place in stage.worker.tensors}

    first, _ = await stage.verdicts()

    assert str(first.difference) == "operator 1 differs first in step 0 (MATMUL)"


async def test_verify__wrong_and_not_served__differs_all_the_same(stage: Stage):
    await stage.cast.show(stage.view, 0, await stage.run(Faulty()))
    stage.worker.documents.clear()

    assert [(one.agrees, one.difference) for one in await stage.verdicts()] == [(False, None)] * 2


FALSE = {
    "another task's": "its trace is not the one that stands",
    "other outputs": "tensor 1 is not the one of its trace",
    "other leaves": "its trace is not the one that stands",
    "a short blob": "a result of 383 bytes, the program's has 384",
    "no document": "a malformed result",
}


@pytest.mark.parametrize("lie", FALSE)
async def test_fetch__false_blob__refused_and_said_why(stage: Stage, lie, tmp_path):
    await stage.cast.show(stage.view, 0, await stage.run(NumpyBackend()))
    right = TensorResult.decode(stage.worker.documents[0])
    data = bytearray(stage.worker.store.read(Digest(bytes.fromhex(right.blob))))
    if lie == "other outputs":
        data[-1] ^= 1
    elif lie == "other leaves":
        data[0] ^= 1
    elif lie == "a short blob":
        del data[-1]
    blob = stage.worker.store.put(bytes(data), LATER)
    document = TensorResult(blob=blob.hex(), size=len(data)).encode()
    if lie == "another task's":
        document = stage.worker.documents[1]
    stage.worker.documents[0] = b"{}" if lie == "no document" else document

    with pytest.raises(VerificationError, match=f"task 0: operator 1: {FALSE[lie]}"):
        await stage.client.fetch("digits", tmp_path / "out", [0])
