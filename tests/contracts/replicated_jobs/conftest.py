import pytest

from tests.contracts.jobs_world import World


@pytest.fixture(scope="session")
def world() -> World:
    """Seven equal operators, two requesters; each test starts from the same state."""
    return World()
