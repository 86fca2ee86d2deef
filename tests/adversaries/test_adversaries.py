"""The short form of `make adversaries`: 20 jobs, one of each sort of adversary."""

import pytest

from tests.adversaries.outcome import judge
from tests.adversaries.show import Plan, open_show
from worker.cli.devnet.cast.roles import HONEST, Cast

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAN = Plan(
    cast=Cast.parse("honest:4,liar:1,lazy:1,copycat:1,withholder:1,griefer:1,flooder:1"),
    jobs=20,
    customers=3,
    seed=32,
    post_seconds=24,
    within=300,  # it takes about a minute where nothing else runs
)


async def test_fault_32__a_cast_of_adversaries__honest_paid_and_all_others_lose(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with open_show(PLAN, tmp_path_factory.mktemp("adversaries"), lambda _: None) as show:
        await show.run()
        parties, wrong = await judge(show)

    assert wrong == []
    assert sum(one.paid for one in parties if one.role == HONEST) > 0
    assert sum(one.burnt for one in parties if one.role != HONEST) > 0
