"""What may happen to replicated jobs at any moment of a life."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.contracts.jobs_world import HOUR
from tests.contracts.stateful.life import Life
from tests.contracts.stateful.replicated_play import ACTS, ENDS, RESULTS, SHAPES, ReplicatedPlay

PICK = st.integers(0, 10**6)
LEAP = st.sampled_from([1, HOUR // 3, HOUR])
BLOCKS = st.integers(1, 300)
ROUND = st.lists(st.sampled_from([*RESULTS, "idle"]), min_size=7, max_size=7)
AROUND = st.sampled_from([-1, 0, 1])
"""Where on a deadline: a second before it, on it, and one after."""


class ReplicatedRules(Life):
    """Operators who may lie, fail or fall silent, requesters who pay, raise and give up."""

    replicated: ReplicatedPlay

    @rule(shape=st.sampled_from(SHAPES), requester=st.integers(0, 2), slack=st.integers(0, 20))
    def post_replicated(self, shape: dict, requester: int, slack: int) -> None:
        self.replicated.post(shape, requester, slack)

    @rule(
        what=st.sampled_from(ACTS), pick=PICK, who=st.integers(0, 6), kind=st.sampled_from(RESULTS)
    )
    def act(self, what: str, pick: int, who: int, kind: str) -> None:
        self.replicated.act(what, pick, who, kind)

    @rule(pick=PICK, kinds=ROUND)
    def work(self, pick: int, kinds: list[str]) -> None:
        self.replicated.work(pick, kinds)

    @rule(pick=PICK, way=st.sampled_from(ENDS))
    def give_up(self, pick: int, way: str) -> None:
        self.replicated.give_up(pick, way)

    @rule(pick=PICK, which=st.integers(0, 2), around=AROUND)
    def wait_for_a_round(self, pick: int, which: int, around: int) -> None:
        """Go to the end of some window, or to the second before or behind it."""
        moment = self.replicated.deadline(pick, which) + around
        if moment > self.world.now:
            self.world.go_to(moment)
