from pathlib import Path

import pytest
from boa.interpret import set_cache_dir

from tests.contracts.provable_world import ProvableWorld

set_cache_dir(Path(__file__).parents[3] / ".cache" / "boa")


@pytest.fixture(scope="session")
def world() -> ProvableWorld:
    """Seven equal operators, two requesters; each test starts from the same state."""
    return ProvableWorld()


@pytest.fixture
def prover(world) -> str:
    """Somebody with no part in any job."""
    return "0x" + "77" * 20
