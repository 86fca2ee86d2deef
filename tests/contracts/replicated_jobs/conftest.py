from pathlib import Path

import pytest
from boa.interpret import set_cache_dir

from tests.contracts.jobs_world import World

set_cache_dir(Path(__file__).parents[3] / ".cache" / "boa")


@pytest.fixture(scope="session")
def world() -> World:
    """Seven equal operators, two requesters; each test starts from the same state."""
    return World()
