import pytest

from tests.contracts.economy_world import EconomyWorld


@pytest.fixture(scope="session")
def world() -> EconomyWorld:
    """Each test starts from the same state."""
    return EconomyWorld()
