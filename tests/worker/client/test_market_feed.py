"""The market of a real chain: what the contracts logged, as a requester reads it."""

import pytest

from tests.worker.client.conftest import digests_of, job_file
from worker.chain.config import ChainConfig
from worker.client import AsyncClient
from worker.client.lane import Lane
from worker.client.market_rounds import Fill
from worker.client.view import TaskState
from worker.types import Seconds

TOKEN = 10**18
WEEK = Seconds(7 * 86_400)


async def test_market__settled_grown_and_left_alone__as_it_went(client, job, cast, tmp_path):
    dear = await client.view((await client.submit(job)).key)
    await cast.conclude(dear, 0, digests_of("a", "b"))
    await cast.grow(dear, 1, digests_of("c"), digests_of("lie"))
    cheap = job_file(tmp_path / "cheap", name="cheap", price="0.1", tasks={"range": {"to": 1}})
    await client.submit(cheap)
    profile = ("http://w.example", 4, bytes(32), 0, 0, "1", 86_400)
    await cast.send(3, "Registry", "announce", 3, *profile)

    async def rounds() -> dict[Fill, int]:
        return dict((await client.market(WEEK))[0].rounds)

    assert await rounds() == {Fill.FILLED: 3, Fill.WAITING: 1}
    await cast.network.anvil.skip(31)
    whole, gpu = await client.market(WEEK)

    assert (whole.lane, whole.token, whole.capability) == (Lane.REPLICATED, 0, None)
    assert dict(whole.rounds) == {Fill.FILLED: 3, Fill.UNFILLED: 1}
    assert (whole.jobs, whole.seats, whole.punished) == (2, 8, 0)  # named jobs burn no dissenter
    assert (whole.price.low, whole.fills_from) == (TOKEN // 10, TOKEN // 2)
    assert whole.cost.high == 3 * TOKEN // 2
    assert +whole.tasks == {TaskState.DONE: 3}
    assert 0 <= whole.seconds.low <= whole.seconds.high < 30
    assert (gpu.capability, gpu.seats, gpu.punished) == ("gpu", 2, 0)


async def test_market__time_and_program__leave_others_out(client, job, cast):
    record = await client.submit(job)
    program = (await client.view(record.key)).origin.program
    await cast.network.anvil.skip(600)
    assert await client.market(Seconds(300)) == []
    assert [one.jobs for one in await client.market(Seconds(900), program)] == [1]
    assert await client.market(Seconds(900), bytes(32)) == []


@pytest.mark.parametrize("blocks", [0, 1, 7])
async def test_first_block_at__some_moment__is_the_first_not_older(client_config, blocks):
    chain: ChainConfig = client_config.chain
    async with AsyncClient(client_config.model_copy(update={"chain": chain})) as client:
        network = client._network
        head = await network.head()
        wanted = await network.pool.block(head.number - blocks)
        found = await network.first_block_at(wanted.timestamp, head)
        first = await network.pool.block(found)
        before = await network.pool.block(found - 1)
        assert before.timestamp < wanted.timestamp <= first.timestamp
        later = await network.first_block_at(head.timestamp + 1, head)
        assert later == head.number + 1
