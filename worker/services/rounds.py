"""The lane of ReplicatedJobs: rounds of several seats (docs/protocol.md §4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.chain.contracts import Contracts
from worker.protocol.record import blind
from worker.protocol.words import BatchWord, Clock, JobWord, RoundWord, Terms
from worker.services.lane import FIRST_ROUND, BatchKey, Seed
from worker.services.terms import tasks_of, terms_of
from worker.storage.jobs import PostedJob
from worker.storage.seats import Seat, SeatState
from worker.types import BatchIndex, OperatorId, TaskIndex, Wei

SERVICE = "ReplicatedJobs"

_SEED_BITS_FIRST = 192
_SEED_BITS_LATER = 96


@dataclass(frozen=True)
class Round:
    """The running round of a batch, with all that its words say; see `lane.Running`."""

    terms: Terms
    batch: BatchIndex
    word: BatchWord
    number: int
    clock: Clock
    mask: int
    price: Wei

    @property
    def first(self) -> int:
        """The round's first seat; the base's size in growth."""
        return self.word.base

    @property
    def seats(self) -> int:
        """How many seats the round itself has."""
        return self.word.wanted(self.terms) - self.first

    @property
    def is_named(self) -> bool:
        """Whether named operators alone may claim."""
        return self.terms.is_named

    @property
    def is_growing(self) -> bool:
        """Whether it is a growth round."""
        return self.word.is_growing

    @property
    def is_final(self) -> bool:
        """Whether the batch is over."""
        return self.word.is_final

    @property
    def is_filled(self) -> bool:
        """Whether every seat is granted."""
        return self.word.is_filled(self.terms)

    @property
    def by_job_seed(self) -> bool:
        """Whether it is a first round."""
        return self.number == FIRST_ROUND

    @property
    def all_sealed(self) -> bool:
        """Whether every seat is granted and sealed: nobody can copy any more."""
        return self.word.all_sealed(self.terms)

    @property
    def tasks(self) -> list[TaskIndex]:
        """The tasks that the round is about, as the job counts them."""
        return tasks_of(self.terms, self.batch, self.mask)

    def may_open(self, now: int) -> bool:
        """Whether results may be shown at chain time `now`."""
        return self.all_sealed or (self.is_filled and now >= self.clock.run_until)

    def holds(self, operator: OperatorId) -> bool:
        """Whether the operator has a seat of the batch, of whatever round."""
        return self.word.seat_of(operator) is not None

    def run_seconds(self, now: int) -> int:
        """Return the time until runs must be sealed; the window is the same for all seats."""
        return self.clock.run_until - max(now, self.clock.opened_at)

    def seal_until(self, operator: OperatorId, now: int) -> int | None:
        """Return the end of the run window; None once the round is void, unfilled too long."""
        is_void = now >= self.clock.claim_until and not self.is_filled
        return None if is_void else self.clock.run_until


class ReplicatedLane:
    """The rules of ReplicatedJobs; see `lane.Lane`."""

    service = SERVICE
    prefix = ""
    drawn_anew: tuple[str, ...] = ("RoundOpened",)
    sealed_before = "jobs: already sealed"
    no_seat = "jobs: no seat"

    def first_round(self, terms: Terms, batch: BatchIndex) -> Round:
        """Return a round that nobody has touched."""
        return _round(terms, batch, 0, 0)

    async def read(
        self, contracts: Contracts, wanted: Mapping[BatchKey, PostedJob], block: int | str
    ) -> dict[BatchKey, Round]:
        """Read both words of each batch."""
        views = ("batch_of", "round_of")
        calls = [(view, key) for key in wanted for view in views]
        words = iter(await contracts.read(SERVICE, calls, block))
        return {
            key: _round(terms_of(job), key[1], next(words), next(words))
            for key, job in wanted.items()
        }

    async def seed(
        self, contracts: Contracts, job: PostedJob, batch: BatchIndex, round_: Round
    ) -> Seed:
        """Return the job's seed for first rounds, the round's own for later ones."""
        if round_.by_job_seed:
            word = JobWord.unpack(await contracts.call(SERVICE, "job_of", job.job))
            return Seed(word.seed, word.seed_height, _SEED_BITS_FIRST)
        later = RoundWord.unpack(await contracts.call(SERVICE, "round_of", job.job, batch))
        return Seed(later.seed, later.seed_height, _SEED_BITS_LATER)

    async def bars(self, contracts: Contracts, round_: Round, operator: OperatorId) -> bool:
        """Nobody is barred whose ticket wins."""
        return False

    def value(self, seat: Seat, digest: bytes) -> bytes:
        """Return v in a base round, s in growth."""
        return digest if seat.is_growth else blind(digest)

    def may_show(self, seat: Seat, terms: Terms, has_opened: bool) -> bool:
        """Settled, or opened by a single seat, whose payer must see it to accept."""
        if seat.state is SeatState.REVEALED:
            return terms.seats == 1
        return seat.state in (SeatState.SETTLED, SeatState.LOST)


def _round(terms: Terms, batch: BatchIndex, word: int, draw: int) -> Round:
    """Return the running round that a batch's two words describe."""
    state = BatchWord.unpack(word)
    mask, price = terms.full_mask(batch), terms.price
    if state.round != FIRST_ROUND:
        later = RoundWord.unpack(draw)
        mask, price = later.mask, later.price
    clock = terms.clock(state.opened_at)
    return Round(terms, batch, state, state.round, clock, mask, price)
