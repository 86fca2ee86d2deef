import pytest

from tests.contracts.deliveries.world import Bundled, Owed, Traced
from tests.contracts.jobs_world import World
from tests.contracts.provable_world import ProvableWorld
from tests.contracts.tensor_world import DemandsWorld


@pytest.fixture(scope="session", params=[World, ProvableWorld], ids=["replicated", "provable"])
def either(request) -> World:
    """A network around either service of jobs; each test starts from the same state."""
    return request.param()


@pytest.fixture(scope="session")
def world() -> DemandsWorld:
    """Both services and the demands they are bound to; each test starts from the same state."""
    return DemandsWorld()


@pytest.fixture(params=[Bundled, Traced], ids=["replicated", "provable"])
def owed(request, world) -> Owed:
    """A job of either lane that was settled just now."""
    return request.param.settled(world)


@pytest.fixture
def bundled(world) -> Bundled:
    return Bundled.settled(world)


@pytest.fixture
def traced(world) -> Traced:
    return Traced.settled(world)
