"""Faults of the chain itself: blocks that go away, come back otherwise, or were never so many."""

import pytest

from tests.e2e.network import events
from tests.faults.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_fault_00__none__a_job_is_paid(world: World) -> None:
    posted = await world.post()
    await world.assert_paid(posted)
    assert len(await events(world.network, "SeatClaimed", job=posted.key)) == 2
