"""What may happen to provable jobs at any moment of a life."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.contracts.stateful.life import Life
from tests.contracts.stateful.provable_play import CRANKS, KINDS, SHAPES, WAYS, ProvablePlay
from tests.contracts.stateful.replicated_rules import AROUND, PICK

PAIR_OF_KINDS = st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS))
PAIR = st.tuples(st.booleans(), st.booleans())


class ProvableRules(Life):
    """Operators and auditors who may lie or fall silent, and watchers who accuse them."""

    provable: ProvablePlay

    @rule(shape=st.sampled_from(SHAPES), requester=st.integers(0, 2), slack=st.integers(0, 60))
    def post_provable(self, shape: dict, requester: int, slack: int) -> None:
        self.provable.post(shape, requester, slack)

    @rule(pick=PICK, kind=st.sampled_from(KINDS), way=st.sampled_from(WAYS))
    def take_a_seat(self, pick: int, kind: str, way: str) -> None:
        self.provable.work(pick, kind, way)

    @rule(pick=PICK, kinds=PAIR_OF_KINDS, audited=st.booleans(), opens=PAIR)
    def live(
        self, pick: int, kinds: tuple[str, str], audited: bool, opens: tuple[bool, bool]
    ) -> None:
        if not self.provable.has_open_batch:
            self.provable.post(SHAPES[pick % len(SHAPES)], pick % 3, pick % 60)
        self.provable.live(pick, kinds, audited, opens)

    @rule(pick=PICK, audited=st.booleans(), opens=st.booleans())
    def draw(self, pick: int, audited: bool, opens: bool) -> None:
        self.provable.draw(pick, audited, opens)

    @rule(pick=PICK, auditor=st.booleans())
    def reveal(self, pick: int, auditor: bool) -> None:
        self.provable.reveal(pick, auditor)

    @rule(pick=PICK, auditor=st.booleans(), announced=st.booleans(), task=st.integers(0, 3))
    def convict(self, pick: int, auditor: bool, announced: bool, task: int) -> None:
        self.provable.convict(pick, auditor, announced, task)

    @rule(pick=PICK)
    def release_bounty(self, pick: int) -> None:
        self.provable.release_bounty(pick)

    @rule(pick=PICK, way=st.sampled_from(CRANKS))
    def crank(self, pick: int, way: str) -> None:
        self.provable.crank(pick, way)

    @rule(pick=PICK, around=AROUND)
    def wait_for_a_phase(self, pick: int, around: int) -> None:
        """Go to the end of some window, or to the second before or behind it."""
        moment = self.provable.deadline(pick) + around
        if moment > self.world.now:
            self.world.go_to(moment)
