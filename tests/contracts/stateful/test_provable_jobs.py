"""Random lives of provable jobs among operators, auditors and liars: the books stay balanced, the
honest lose nothing by a court, and everything can be brought to its end."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.contracts.jobs_world import HOUR, STANDING
from tests.contracts.ledger.ledger import Ledger
from tests.contracts.ledger.provable import Provable
from tests.contracts.provable_world import Fate, Phase, ProvableJob, ProvableWorld, SeatKind
from tests.contracts.stateful.life import Scene, attempt
from tests.contracts.stateful.provable_play import SHAPES, ProvablePlay
from tests.contracts.stateful.provable_rules import PAIR_OF_KINDS, ProvableRules
from tests.contracts.stateful.replicated_rules import BLOCKS, LEAP, PICK


@cache
def scene() -> Scene:
    return Scene.of(lambda: ProvableWorld(operators=8, requesters=3))


class ToldDemands(ProvablePlay):
    """Demands that do what they are told, and log nothing: the books hear of them here."""

    def __init__(self, world: ProvableWorld, book: Provable) -> None:
        super().__init__(world)
        self.book = book

    def demand(self, pick: int, auditor: bool, way: str) -> None:
        """Hold a batch for a seat, let it go, or end the seat."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        if word.is_final or word.phase < Phase.REVEAL:
            return
        seat = SeatKind(int(auditor))
        if way == "hold":
            until = self.world.now + HOUR
            call = (job.members, batch, word.seat(seat), until)
            if attempt(lambda: self.world.demands.hold(*call)):
                self.book.hold((job.key, batch), word.seat(seat), 1)
        elif way == "release":
            self.release(job, batch, seat)
        else:
            counts = word.fates[seat] == Fate.OPENED and word.held[seat]
            self.world.demands.silence(job.members, batch, word.round, word.seat(seat))
            if counts:
                self.lose((job.key, batch, word.round, word.seat(seat)), "unserved")

    def release(self, job: ProvableJob, batch: int, seat: SeatKind) -> None:
        word = self.word(job, batch)
        self.world.demands.release(job.members, batch, word.round, word.seat(seat))
        if word.held[seat]:
            self.book.hold((job.key, batch), word.seat(seat), -1)

    def end_demands(self, job: ProvableJob, batch: int) -> None:
        for seat in SeatKind:
            for _ in range(self.word(job, batch).held[seat]):
                self.release(job, batch, seat)


class ProvableMachine(ProvableRules):
    """Eight operators, three requesters, one watcher, time in leaps."""

    provable: ToldDemands

    def books(self) -> Ledger:
        ledger = Ledger(self.world.net)
        self.book = ledger.keep_lane(self.world.views, Provable)
        return ledger

    @initialize(
        shape=st.sampled_from(SHAPES), pick=PICK, kinds=PAIR_OF_KINDS, audited=st.booleans()
    )
    def start(self, shape: dict, pick: int, kinds: tuple[str, str], audited: bool) -> None:
        self.begin(scene())
        self.provable = ToldDemands(self.world, self.book)
        self.provable.post(shape, 0, 0)
        self.provable.live(pick, kinds, audited, (True, True))

    @rule(pick=PICK, auditor=st.booleans(), way=st.sampled_from(["hold", "release", "silence"]))
    def demand(self, pick: int, auditor: bool, way: str) -> None:
        self.provable.demand(pick, auditor, way)

    @rule(seconds=LEAP, blocks=BLOCKS)
    def wait(self, seconds: int, blocks: int) -> None:
        self.world.wait(seconds, blocks)

    def crank_everything(self) -> None:
        self.provable.crank_everything()
        assert all(self.world.left(job) == 0 for job in self.provable.jobs)
        for operator in self.world.operators:
            assert self.world.staking.lane(operator.id, self.world.jobs) == STANDING


class TestProvableJobs(ProvableMachine.TestCase):
    """Deploys before the first example, whose end undoes all that it did."""

    @classmethod
    def setUpClass(cls) -> None:
        scene()
