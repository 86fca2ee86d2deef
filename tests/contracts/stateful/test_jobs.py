"""Random lives of many replicated jobs: the books stay balanced, and all comes to its end."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.contracts.jobs_world import World
from tests.contracts.ledger.ledger import Ledger
from tests.contracts.ledger.replicated import Replicated
from tests.contracts.stateful import network as net
from tests.contracts.stateful.life import Scene, attempt
from tests.contracts.stateful.replicated_play import SHAPES, ReplicatedPlay
from tests.contracts.stateful.replicated_rules import BLOCKS, LEAP, ReplicatedRules


@cache
def scene() -> Scene:
    return Scene.of(lambda: World(operators=7, requesters=3))


class JobsMachine(ReplicatedRules):
    """Seven operators, three requesters, one service, time in leaps."""

    def books(self) -> Ledger:
        ledger = Ledger(self.world.net)
        ledger.keep_lane(self.world.jobs, Replicated)
        return ledger

    @initialize(shape=st.sampled_from(SHAPES))
    def start(self, shape: dict) -> None:
        self.begin(scene())
        self.replicated = ReplicatedPlay(self.world)
        self.replicated.post(shape, 0, 0)

    @rule(seconds=LEAP, blocks=BLOCKS)
    def wait(self, seconds: int, blocks: int) -> None:
        self.world.wait(seconds, blocks)

    @rule(who=st.integers(0, 6), tokens=st.integers(1, 500))
    def unstake(self, who: int, tokens: int) -> None:
        operator = self.world.operators[who]
        amount = tokens * net.TOKEN
        attempt(lambda: self.world.staking.unstake(operator.id, amount, sender=operator.owner))

    def crank_everything(self) -> None:
        self.replicated.crank_everything()
        assert all(self.world.left(job) == 0 for job in self.replicated.jobs)
        assert all(self.world.locked(operator) == 0 for operator in self.world.operators)


class TestJobs(JobsMachine.TestCase):
    """Deploys before the first example, whose end undoes all that it did."""

    @classmethod
    def setUpClass(cls) -> None:
        scene()
