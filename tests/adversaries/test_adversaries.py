"""The short form of `make adversaries` and of `make soak`: one run, about which both tests ask."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.adversaries.outcome import Party, judge
from tests.adversaries.show import Plan, open_show
from tests.adversaries.soak import Growth, overgrown, run_metered
from worker.cli.devnet.cast.roles import HONEST, Cast

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PLAN = Plan(
    cast=Cast.parse("honest:4,liar:1,lazy:1,copycat:1,withholder:1,griefer:1,flooder:1"),
    jobs=20,
    customers=3,
    seed=32,
    post_seconds=24,
    within=360,  # it takes about a minute where nothing else runs
    immortals=3,
)


@dataclass(frozen=True)
class Played:
    """What the run came to."""

    parties: Sequence[Party]
    wrong: Sequence[str]
    stances: str
    grown: Sequence[Growth]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play once, for all tests."""
    async with open_show(PLAN, tmp_path_factory.mktemp("adversaries"), lambda _: None) as show:
        grown = await run_metered(show)
        parties, wrong = await judge(show)
        return Played(parties, wrong, "\n".join(show.stances), grown)


async def test_fault_32__a_cast_of_adversaries__honest_paid_and_all_others_lose(
    played: Played,
) -> None:
    assert played.wrong == []
    assert sum(one.paid for one in played.parties if one.role == HONEST) > 0, played.stances
    assert sum(one.burnt for one in played.parties if one.role != HONEST) > 0


async def test_fault_37__jobs_among_faults__nothing_grows_and_nothing_is_stuck(
    played: Played,
) -> None:
    # That no job is stuck is what the run itself waits for.
    assert len(played.grown) >= PLAN.immortals
    assert overgrown(played.grown) == []
    assert all(one.files_after <= one.files_before + 8 for one in played.grown)
