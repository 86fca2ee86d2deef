import pytest

from tests.contracts.governance.world import GovernedWorld


@pytest.fixture(scope="session")
def world() -> GovernedWorld:
    """Each test starts from the same state."""
    return GovernedWorld()
