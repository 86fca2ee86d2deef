"""Batches as the chain has them: the running round of each, read once and kept until it changes."""

from dataclasses import dataclass
from functools import lru_cache

from worker.chain.contracts import Contracts
from worker.chain.wire import Block
from worker.protocol.words import BatchWord, Clock, JobWord, Origin, RoundWord, Terms
from worker.storage.jobs import PostedJob
from worker.types import Address, BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp, Wei

SERVICE = "ReplicatedJobs"
FIRST_ROUND = 0


@dataclass(frozen=True)
class Round:
    """The running round of a batch, with all that its words say."""

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
    def is_filled(self) -> bool:
        """Whether every seat is granted."""
        return self.word.is_filled(self.terms)

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


def tasks_of(terms: Terms, batch: BatchIndex, mask: int) -> list[TaskIndex]:
    """Return the job's task indexes for a batch's mask, ascending."""
    return [TaskIndex(task) for bit, task in enumerate(terms.tasks_in(batch)) if mask >> bit & 1]


@lru_cache(maxsize=1024)
def terms_of(job: PostedJob) -> Terms:
    """Return the terms that a posting fixed."""
    origin = Origin(job.nonce, job.program, job.inputs, job.manifest)
    return Terms.unpack(job.a, job.b, job.named, origin.digest(job.payer))


class ChainView:
    """What the services know of the chain: the head, and rounds at confirmation depth.

    A batch changes only with a log about it, so a round stays known until the watcher tells of one.
    """

    def __init__(self, contracts: Contracts, confirmations: int) -> None:
        self.contracts = contracts
        self.confirmations = confirmations
        self.head: Block | None = None
        self.scanned_to = -1
        self._rounds: dict[tuple[JobKey, BatchIndex], Round] = {}

    @property
    def now(self) -> Timestamp:
        """Chain time: the head's timestamp, 0 before the first look."""
        return self.head.timestamp if self.head else Timestamp(0)

    @property
    def confirmed(self) -> int:
        """The highest block that is deep enough to act upon; -1 before the first look."""
        return min(self.scanned_to, self.head.number - self.confirmations) if self.head else -1

    @property
    def service(self) -> Address:
        """Where calls about jobs go."""
        return self.contracts.address(SERVICE)

    @property
    def seed_source(self) -> str:
        """The name of the deployment's source of block hashes; each kind of network has its own."""
        return next(name for name in self.contracts.deployment.contracts if name.endswith("Seed"))

    def forget(self, job: JobKey, batch: BatchIndex | None) -> None:
        """A log about the batch became deep enough, or was taken back."""
        if batch is not None:
            self._rounds.pop((job, batch), None)

    def forget_all(self) -> None:
        """A reorganisation took back what was known."""
        self._rounds.clear()

    async def confirmed_round(self, job: PostedJob, batch: BatchIndex) -> Round:
        """Return the batch's round at confirmation depth. Raises RpcError."""
        known = self._rounds.get((job.job, batch))
        if known is None:
            known = await self._read(job, batch, self.confirmed)
            self._rounds[job.job, batch] = known
        return known

    async def latest_round(self, job: PostedJob, batch: BatchIndex) -> Round:
        """Return the batch's round in the newest block. Raises RpcError."""
        return await self._read(job, batch, "latest")

    async def _read(self, job: PostedJob, batch: BatchIndex, block: int | str) -> Round:
        terms = terms_of(job)
        word = BatchWord.unpack(
            await self.contracts.call(SERVICE, "batch_of", job.job, batch, block=block)
        )
        mask, price = terms.full_mask(batch), terms.price
        if word.round != FIRST_ROUND:
            draw = RoundWord.unpack(
                await self.contracts.call(SERVICE, "round_of", job.job, batch, block=block)
            )
            mask, price = draw.mask, draw.price
        return Round(terms, batch, word, word.round, terms.clock(word.opened_at), mask, price)

    async def captured_seed(self, job: PostedJob, round_: Round) -> tuple[int, int]:
        """Return the round's seed as stored (0: not captured yet) and the height it is drawn at."""
        if round_.number == FIRST_ROUND:
            word = JobWord.unpack(await self.contracts.call(SERVICE, "job_of", job.job))
            return word.seed, word.seed_height
        word_ = await self.contracts.call(SERVICE, "round_of", job.job, round_.batch)
        draw = RoundWord.unpack(word_)
        return draw.seed, draw.seed_height
