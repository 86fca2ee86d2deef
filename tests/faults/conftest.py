"""One network for all fault tests; its workers run on from test to test where a fault allows."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.world import World, open_world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The network, with workers that run or do not."""
    async with open_world(tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared: World) -> AsyncIterator[World]:
    """The network with every worker ready; behind the test it is healed and sound."""
    await shared.up()
    yield shared
    for worker in shared.workers:
        worker.heal()
    await shared.up()
    await shared.assert_sound()
