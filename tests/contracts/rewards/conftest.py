from pathlib import Path

import pytest
from boa.interpret import set_cache_dir

from tests.contracts.economy_world import EconomyWorld

set_cache_dir(Path(__file__).parents[3] / ".cache" / "boa")


@pytest.fixture(scope="session")
def world() -> EconomyWorld:
    """Each test starts from the same state."""
    return EconomyWorld()
