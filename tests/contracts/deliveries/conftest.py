from pathlib import Path

import pytest
from boa.interpret import set_cache_dir

from tests.contracts.jobs_world import World
from tests.contracts.provable_world import ProvableWorld

set_cache_dir(Path(__file__).parents[3] / ".cache" / "boa")


@pytest.fixture(scope="session", params=[World, ProvableWorld], ids=["replicated", "provable"])
def either(request) -> World:
    """A network around either service of jobs; each test starts from the same state."""
    return request.param()
