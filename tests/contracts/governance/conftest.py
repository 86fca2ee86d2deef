from pathlib import Path

import pytest
from boa.interpret import set_cache_dir

from tests.contracts.governance.world import GovernedWorld

set_cache_dir(Path(__file__).parents[3] / ".cache" / "boa")


@pytest.fixture(scope="session")
def world() -> GovernedWorld:
    """Each test starts from the same state."""
    return GovernedWorld()
