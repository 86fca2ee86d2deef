"""The lane of ProvableJobs: one seat that runs, one that audits (docs/protocol.md §5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.chain.contracts import Contracts
from worker.protocol.provable_words import Phase, ProvableBatch, SeatKind
from worker.protocol.words import Clock, JobWord, Terms
from worker.services.lane import BatchKey, Seed
from worker.services.terms import tasks_of, terms_of
from worker.storage.jobs import PostedJob
from worker.storage.seats import Seat
from worker.types import BatchIndex, OperatorId, TaskIndex, Wei

SERVICE = "ProvableJobs"
DEMANDS = "Demands"
"""The contract in which seats of this lane are made to show what they opened."""

_OPEN = (Phase.OPEN, Phase.AUDIT_OPEN)
_RUNNING = {Phase.RUNNING: SeatKind.OPERATOR, Phase.AUDIT_RUNNING: SeatKind.AUDITOR}
_SEED_BITS = 192


@dataclass(frozen=True)
class Turn:
    """A batch's running round in its present phase; see `lane.Running`."""

    terms: Terms
    batch: BatchIndex
    word: ProvableBatch

    @property
    def number(self) -> int:
        """The round's number."""
        return self.word.round

    @property
    def clock(self) -> Clock:
        """When the phase began, and when its claim window ends if it is one with an open seat."""
        return self.terms.clock(self.word.since)

    @property
    def mask(self) -> int:
        """All tasks of the batch."""
        return self.terms.full_mask(self.batch)

    @property
    def tasks(self) -> list[TaskIndex]:
        """The same tasks, as the job counts them."""
        return tasks_of(self.terms, self.batch, self.mask)

    @property
    def price(self) -> Wei:
        """The job's price: it is never raised."""
        return self.terms.price

    @property
    def seats(self) -> int:
        """Seats are drawn one by one."""
        return 1

    @property
    def is_named(self) -> bool:
        """Auditors are drawn among all, in named jobs too."""
        return self.terms.is_named and self.word.phase is Phase.OPEN

    @property
    def is_growing(self) -> bool:
        """Rounds replace each other here."""
        return False

    @property
    def is_final(self) -> bool:
        """Whether the batch is over."""
        return self.word.is_final

    @property
    def is_filled(self) -> bool:
        """Whether no seat is open."""
        return self.word.phase not in _OPEN

    @property
    def by_job_seed(self) -> bool:
        """Whether no draw of the batch's own was made yet."""
        return self.word.height == 0

    def holds(self, operator: OperatorId) -> bool:
        """Whether the operator has, or had, a seat of the batch in any round."""
        return self.word.had_seat(operator)

    def run_seconds(self, now: int) -> int:
        """Return the whole run window: it begins with the claim."""
        return self.terms.run

    def seal_until(self, operator: OperatorId, now: int) -> int | None:
        """Return the end of the run window while the operator's own seat runs."""
        kind = _RUNNING.get(self.word.phase)
        if kind is None or self.word.seat(kind) != operator:
            return None
        return self.word.until(self.terms)


class ProvableLane:
    """The rules of ProvableJobs; see `lane.Lane`."""

    service = SERVICE
    prefix = "provable_"
    drawn_anew: tuple[str, ...] = ("RoundOpened", "BatchAdvanced")
    sealed_before = "provable: nothing to seal"
    no_seat = "provable: no seat"

    def first_round(self, terms: Terms, batch: BatchIndex) -> Turn:
        """Return a round that nobody has touched."""
        return Turn(terms, batch, ProvableBatch.unpack(0))

    async def read(
        self, contracts: Contracts, wanted: Mapping[BatchKey, PostedJob], block: int | str
    ) -> dict[BatchKey, Turn]:
        """Read the word of each batch."""
        calls = [("batch_of", key) for key in wanted]
        words = await contracts.read(SERVICE, calls, block)
        return {
            key: Turn(terms_of(job), key[1], ProvableBatch.unpack(word))
            for (key, job), word in zip(wanted.items(), words, strict=True)
        }

    async def seed(
        self, contracts: Contracts, job: PostedJob, batch: BatchIndex, round_: Turn
    ) -> Seed:
        """Return the job's seed for first seats, the batch's latest draw for others."""
        if round_.by_job_seed:
            first = JobWord.unpack(await contracts.call(SERVICE, "job_of", job.job))
            return Seed(first.seed, first.seed_height, _SEED_BITS)
        height = round_.word.height
        drawn = JobWord.unpack(await contracts.call(SERVICE, "draw_of", job.job, batch))
        return Seed(drawn.seed if drawn.seed_height == height else 0, height, _SEED_BITS)

    async def bars(self, contracts: Contracts, round_: Turn, operator: OperatorId) -> bool:
        """Whether it would audit an operator of its own owner."""
        if round_.word.phase is not Phase.AUDIT_OPEN:
            return False
        audited = round_.word.seat(SeatKind.OPERATOR)
        owner = await contracts.call("Staking", "owner_of", operator)
        return bool(owner == await contracts.call("Staking", "owner_of", audited))

    def value(self, seat: Seat, digest: bytes) -> bytes:
        """Return the trace root as it is."""
        return digest

    def may_show(self, seat: Seat, terms: Terms, has_opened: bool) -> bool:
        """From the own opening on: whoever audits has sealed before."""
        return has_opened
