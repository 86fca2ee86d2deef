"""Outputs that nobody serves, demanded on a real chain, put together and checked."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from wasmtime import wat2wasm

from tests.worker.client.conftest import Cast, job_file
from tests.worker.client.demand_cast import answering, demanded, running
from tests.worker.client.provable_cast import ProvableCast, digits_file
from tests.worker.client.test_outputs import PROGRAM, Worker, run_all
from worker.chain.config import KeyConfig
from worker.client import AsyncClient
from worker.client.demands import Cost
from worker.client.source import open_tensor_job
from worker.client.view import JobView
from worker.errors import FetchError, NotFoundError, UsageError, VerificationError
from worker.executors.tensor import TensorExecutor
from worker.protocol.deliveries import SERVE_SECONDS, Delivery
from worker.protocol.demands import bond_for
from worker.protocol.results import TaskResult
from worker.storage.blobs import BlobStore
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.validate import TensorLimits
from worker.types import TaskIndex, Timestamp
from worker.work.pieces import Piece, cut_bundle, cut_tensor
from worker.work.prepare_tensor import TensorPreparer

LATER = Timestamp(4_000_000_000)
WINDOW = 30  # seconds to answer, of the local network
LARGE = PROGRAM.replace("(i32.const 4) (i32.const 1)", "(i32.const 4) (i32.const 2500)")


@dataclass
class Stage:
    """A settled job of three tasks whose outputs have three chunks; no operator serves them."""

    client: AsyncClient
    cast: Cast
    view: JobView
    worker: Worker

    def cut(self, delivery: Delivery) -> Piece:
        """Cut as an honest operator."""
        document = self.worker.documents[delivery.debt.task]
        path = self.worker.store.path(self.blob(delivery.debt.task))
        return cut_bundle(document, path, delivery.debt, delivery.part)

    def blob(self, task: int) -> bytes:
        return bytes.fromhex(TaskResult.model_validate_json(self.worker.documents[task]).bundle)

    def answering(self, *operators: int):
        return answering(self.client, self.cast, self.cut, *operators)


@pytest.fixture
async def stage(client, cast, tmp_path: Path) -> Stage:
    file = job_file(tmp_path / "job")
    (tmp_path / "job" / "p.wasm").write_bytes(bytes(wat2wasm(LARGE)))
    view = await client.view((await client.submit(file)).key)
    worker = Worker(BlobStore(tmp_path / "worker", 1 << 24, free_floor=0))
    digests = await run_all(client, view, worker, tmp_path)
    await cast.conclude(view, 0, digests[:2])
    return Stage(client, cast, view, worker)


async def test_demand__served_by_nobody__the_same_blob_through_the_chain(stage, tmp_path):
    told: list[Cost] = []

    async with stage.answering(1):
        (output,) = await stage.client.demand("try", [1], ask=told.append)

    assert output.file.read_bytes() == stage.worker.store.read(stage.blob(1))
    assert (output.task, output.operator, output.read("stdout")[:1]) == (1, 1, b"1")
    assert {path.name for path in output.extract(tmp_path / "out")} == {"stdout", "stderr"}
    price = await stage.client._network.view("Courts", "gas_price")
    assert [cost.pieces for cost in told] == [1, 3]
    assert told[0].bonds == bond_for(192, price)
    spent = [one.bond.amount for one in await demanded(stage.client)]
    assert sum(spent) == sum(cost.bonds for cost in told)
    assert 0 < told[0].gas < told[1].gas and told[0].gas_cost > 0


async def test_demand__again__nothing_is_paid_twice(stage):
    async with stage.answering(1):
        first = await stage.client.demand("try")
    again = await stage.client.demand("try", ask=_never)

    assert [one.task for one in first] == [0, 1]
    assert [one.file for one in again] == [one.file for one in first]


async def test_demand__silent_operator__loses_its_bond_and_the_next_is_asked(stage):
    sent = asyncio.Event()

    async def let_time_pass() -> None:
        await sent.wait()
        await stage.cast.network.anvil.skip(WINDOW + 1)
        await asyncio.Event().wait()

    before = await stage.client.credit()
    async with running(let_time_pass()):
        with pytest.raises(
            FetchError, match=r"operator 1 did not answer 1 of 1 demands: 10 tokens of its"
        ):
            await stage.client.demand("try", [0], operator=1, tell=lambda _: sent.set())

    (lapsed,) = await demanded(stage.client)
    assert await stage.client.credit() == before + lapsed.bond.amount
    with pytest.raises(UsageError, match="operator 1 cannot be asked for task 0; who can: 2, 3"):
        await stage.client.demand("try", [0], operator=1)
    async with stage.answering(2):
        (output,) = await stage.client.demand("try", [0])
    assert output.operator == 2


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"tasks": [2]}, NotFoundError, "task 2 has no result: it is pending"),
        ({"tasks": [7]}, NotFoundError, "no task 7"),
        ({"operator": 5}, UsageError, "operator 5 cannot be asked for task 0; who can: 1, 2, 3"),
        ({"most": 1}, UsageError, r"2 pieces, for bonds of 0\.\d+ tokens: more than the 1 allowed"),
    ],
)
async def test_demand__what_cannot_be__refused_before_anything_is_sent(
    stage, asked, error, message
):
    with pytest.raises(error, match=message):
        await stage.client.demand("try", **asked)

    assert await demanded(stage.client) == []


async def test_demand__payer_declines__nothing_is_sent(stage):
    with pytest.raises(AssertionError):
        await stage.client.demand("try", ask=_never)

    assert await demanded(stage.client) == []


async def test_demand__a_day_later__too_late(stage):
    await stage.cast.network.anvil.skip(SERVE_SECONDS - WINDOW + 1)

    with pytest.raises(UsageError, match=r"task 0: it is \d+ s too late to demand"):
        await stage.client.demand("try")


async def test_demand__not_the_payer__refused(stage, client_config):
    other = client_config.model_copy(update={"wallet": KeyConfig(dev_account=9)})
    async with AsyncClient(other) as client:
        with pytest.raises(UsageError, match="only the payer 0x"):
            await client.demand("try")


async def test_demand__record_that_is_none__refused(stage, tmp_path):
    """Liars can settle any digest; what they show for it is checked like anything else."""
    file = job_file(tmp_path / "lie", name="lie", tasks={"range": {"to": 1}})
    view = await stage.client.view((await stage.client.submit(file)).key)
    await stage.cast.conclude(view, 0, [keccak(b"\xff" * 192)])

    async with answering(stage.client, stage.cast, lambda _: Piece(b"\xff" * 192, []), 1):
        with pytest.raises(VerificationError, match="a malformed record"):
            await stage.client.demand("lie")


async def test_fetch__nobody_serves__names_the_way_through_the_chain(stage, tmp_path):
    with pytest.raises(FetchError, match="`job demand` gets it through the chain"):
        await stage.client.fetch("try", tmp_path / "out", [0])


async def test_demand__tensor_job__the_arrays_that_fetch_writes(network, client, tmp_path):
    cast = ProvableCast(network, client._network.contracts)
    await cast.join()
    view = await client.view((await client.submit(digits_file(tmp_path / "job"))).key)
    blobs, ops, values = await _run_tensors(client, view, tmp_path)
    await cast.show(view, 0, values)
    with pytest.raises(NotFoundError, match="task 0 is not settled yet"):
        await client.demand("digits", [0])
    await cast.settle(view, 0, values)

    def cut(delivery: Delivery) -> Piece:
        return cut_tensor(blobs[delivery.debt.task], ops, delivery.debt)

    async with answering(client, cast, cut, 1):
        outputs = await client.demand("digits")

    assert [output.task for output in outputs] == [0, 1]
    for output in outputs:
        whole = blobs[output.task].read_bytes()
        assert output.file.read_bytes() == whole[32 * len(ops) :]
        (file,) = output.extract(tmp_path / "out")
        assert file.name == "output-0.npy"


async def _run_tensors(client, view, folder: Path):
    """Run batch 0 as an operator does; return its blobs, the program's operators, the roots."""
    blobs, values = {}, []
    executor = TensorExecutor(NumpyBackend(), TensorLimits())
    async with open_tensor_job(view, client._fetcher) as opened:
        preparer = TensorPreparer(client._fetcher, executor, opened.preparer._limits)
        batch = await preparer.prepare_batch(opened.job, TaskIndex(0), 2, LATER)
        for task, run in batch.tasks.items():
            done = await executor.run(run)
            blobs[task] = folder / f"blob-{task}"
            blobs[task].write_bytes(done.leaves + done.outputs)
            values.append(done.trace)
    await executor.close()
    return blobs, opened.job.facts.ops, values


def _never(cost: Cost) -> None:
    raise AssertionError(f"asked to pay {cost}")
