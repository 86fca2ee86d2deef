"""Faults of time: clocks that are wrong, jump or stand. Deadlines are the chain's."""

import time
from pathlib import Path

import pytest

from tests.e2e.network import events
from tests.faults.world import World, open_world
from worker.chain.deployment import Deployment
from worker.cli.devnet.anvil import Anvil
from worker.cli.devnet.deploy import deploy
from worker.storage.seats import SeatState

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPIRED = 1
AHEAD = 300  # seconds
EPOCH = 60  # seconds, of a local network


async def test_fault_22__workers_clock_five_minutes_behind_the_chains__paid(world: World) -> None:
    await world.network.anvil.skip(300)
    await world.assert_paid(await world.post_named())


async def test_fault_22__workers_clock_five_minutes_ahead_of_the_chains__paid(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path, deploying=_in_the_past) as world:
        await world.up()
        head = await world.network.requester.pool.head()
        assert AHEAD <= time.time() - head.timestamp < AHEAD + 60
        await world.assert_paid(await world.post_named())
        await world.assert_sound()


async def _in_the_past(root: Path, anvil: Anvil, folder: Path, log: Path) -> Deployment:
    """Deploy on a chain that is still behind when two epochs have been skipped."""
    await anvil.ask("evm_setTime", int(time.time()) - 2 * EPOCH - AHEAD - 30)
    return await deploy(root, anvil, folder, log)


async def test_fault_23__time_jumps_inside_the_windows__paid(world: World) -> None:
    posted = await world.post_named()
    await world.until_claimed(posted)
    await world.network.anvil.skip(30)
    await world.assert_paid(posted)


async def test_fault_23__time_jumps_over_every_window__what_was_not_claimed_costs_nobody(
    world: World,
) -> None:
    await world.network.processes.kill(world.victim.operator.name)
    posted = await world.post()

    async def is_claimed() -> bool:
        return bool(await events(world.network, "SeatClaimed", job=posted.key))

    await world.until(is_claimed, "the other's claim")
    await world.network.anvil.skip(3600)
    await world.up()

    (ended,) = await world.settled(posted)
    assert ended["reason"] == EXPIRED
    assert SeatState.LOST not in [s for one in world.workers for s in world.seats(one, posted)]
    await world.assert_sound()


async def test_fault_24__several_blocks_of_one_second__paid(world: World) -> None:
    anvil = world.network.anvil
    await anvil.ask("anvil_setBlockTimestampInterval", 0)
    try:
        posted = await world.post_named()
        await world.until_claimed(posted)
        head = await world.network.requester.pool.head()
        before = await anvil.ask("eth_getBlockByNumber", hex(head.number - 1), False)
        assert int(before["timestamp"], 16) == head.timestamp
    finally:
        await anvil.ask("anvil_removeBlockTimestampInterval")
    await world.assert_paid(posted)
