import pytest

from tests.contracts.provable_world import ProvableWorld


@pytest.fixture(scope="session")
def world() -> ProvableWorld:
    """Seven equal operators, two requesters; each test starts from the same state."""
    return ProvableWorld()


@pytest.fixture
def prover(world) -> str:
    """Somebody with no part in any job."""
    return "0x" + "77" * 20
