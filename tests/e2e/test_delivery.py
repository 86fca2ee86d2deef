"""A payer that is served nothing has the outputs put on the chain, by workers or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.network import CIRCLE, all_settled, job_spec, post, settlements, until
from worker.chain.config import KeyConfig
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.network import FIRST_OWNER, REQUESTER, Network, Operator
from worker.client import AsyncClient, ClientConfig
from worker.client import operator as owners
from worker.client.wallet import open_wallet
from worker.errors import FetchError
from worker.protocol.settled import Result

pytestmark = pytest.mark.asyncio(loop_scope="session")

LANE = "ReplicatedJobs"
ENOUGH = 200  # a rendered picture's chunks, and more


async def test_delivery__paid_worker__answers_for_silence_it_loses_its_bond(
    network: Network, tmp_path: Path
) -> None:
    await _start(network)
    windows = {"claim": "24s", "run": "90s", "reveal": "90s"}
    tasks = {"range": {"from": 0, "to": 2}}
    posted = await post(network, job_spec(operators=CIRCLE, tasks=tasks, windows=windows))
    await all_settled(network, posted, within=150)
    (settled,) = await settlements(network, posted)
    first, *others = Result.of_event(settled).servers
    job = posted.key.hex()

    async with _payer(network, tmp_path) as client:
        (told,) = await client.demand(job, [0], most=ENOUGH)
        fetched = {one.task: one.file.read_bytes() async for one in client.outputs(job)}
        assert (told.operator, told.file.read_bytes()) == (first, fetched[0])

        await network.processes.stop(next(o.name for o in network.operators if o.id == first))
        async with _standing_restored(network, first, tmp_path):
            with pytest.raises(FetchError, match=f"operator {first} did not answer 1 of 1"):
                await client.demand(job, [1], operator=first, most=ENOUGH)
        (told,) = await client.demand(job, [1], most=ENOUGH)
        assert (told.operator, told.file.read_bytes()) == (others[0], fetched[1])


async def _start(network: Network) -> None:
    for operator in network.operators:
        await network.start(operator)
    for operator in network.operators:

        async def is_ready(operator: Operator = operator) -> bool:
            status = await network.status(operator)
            return status is not None and status["ready"]

        await until(is_ready, f"{operator.name} ready", network)


def _payer(network: Network, folder: Path) -> AsyncClient:
    config = ClientConfig(
        deployment=network.deployment_file,
        chain=network.chain,
        data=folder / "payer",
        wallet=KeyConfig(dev_account=REQUESTER),
    )
    return AsyncClient(config)


@asynccontextmanager
async def _standing_restored(network: Network, operator: int, folder: Path) -> AsyncIterator[None]:
    """Have an operator that loses its standing bond in the block opt in anew for other tests."""
    place = next(i for i, one in enumerate(network.operators) if one.id == operator)
    owner = dev_signer(FIRST_OWNER + place, LOCAL_CHAIN_ID)
    async with open_wallet(network.deployment, network.chain, owner, folder / "owner") as wallet:
        service = wallet.contracts.address(LANE)
        before = await wallet.call("Staking", "opt_in_of", operator, service)
        yield
        lost = await wallet.call("Staking", "opt_in_of", operator, service)
        assert before[1] > 0 == lost[1]
        await owners.opt_in(wallet, operator, LANE, before[0])
