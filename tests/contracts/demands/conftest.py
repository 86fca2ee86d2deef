import pytest

from tests.contracts.court.disputes import Dispute
from tests.contracts.demands.asked import Asked
from tests.contracts.demands.programs import copies
from tests.contracts.tensor_world import DemandsWorld


@pytest.fixture(scope="session")
def world() -> DemandsWorld:
    """Seven equal operators, two requesters; each test starts from the same state."""
    return DemandsWorld()


@pytest.fixture(scope="session")
def deep() -> Dispute:
    """Trees of two answers each: 130 operators, two segments, 100 lines a tensor."""
    return copies(130, 100, 300, 65)


@pytest.fixture
def stranger(world) -> str:
    """Somebody with no part in any job, and money for bonds."""
    return world.requesters[1]


@pytest.fixture
def asked(world, deep) -> Asked:
    """A seat that opened an honest trace."""
    return Asked.opened(world, deep)
