"""Batches as the chain has them: the running round of each, read once and kept until it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from worker.chain.contracts import Contracts
from worker.chain.wire import Block
from worker.protocol.words import BatchWord, Clock, JobWord, Origin, RoundWord, Terms
from worker.storage.jobs import PostedJob
from worker.types import Address, BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp, Wei

BatchKey = tuple[JobKey, BatchIndex]

SERVICE = "ReplicatedJobs"
FIRST_ROUND = 0
_MOST_AT_ONCE = 50


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
        self._rounds: dict[BatchKey, Round] = {}
        self._forgotten = 0
        self._latest: dict[BatchKey, Round] = {}
        self._latest_at: Block | None = None

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
        """A log about the batch became deep enough, or nobody here asks for it any more."""
        if batch is not None:
            self._rounds.pop((job, batch), None)
            self._forgotten += 1

    def forget_all(self) -> None:
        """A reorganisation took back what was known."""
        self._rounds.clear()
        self._latest.clear()
        self._forgotten += 1

    async def confirmed_round(self, job: PostedJob, batch: BatchIndex) -> Round:
        """Return the batch's round at confirmation depth. Raises RpcError."""
        return (await self.confirmed_rounds([(job, batch)]))[job.job, batch]

    async def confirmed_rounds(
        self, batches: Iterable[tuple[PostedJob, BatchIndex]]
    ) -> dict[BatchKey, Round]:
        """Return the rounds of all these, read in one request where they are not known."""
        wanted = {(job.job, batch): job for job, batch in batches}
        known = {key: self._rounds[key] for key in wanted if key in self._rounds}
        forgotten = self._forgotten
        found = await self._read_new(wanted, known, self.confirmed)
        if forgotten == self._forgotten:  # else a log may have outdated what was read meanwhile
            self._rounds.update(found)
        return known | found

    async def latest_round(self, job: PostedJob, batch: BatchIndex) -> Round:
        """Return the batch's round in the newest block. Raises RpcError."""
        return (await self.latest_rounds([(job, batch)]))[job.job, batch]

    async def latest_rounds(
        self, batches: Iterable[tuple[PostedJob, BatchIndex]]
    ) -> dict[BatchKey, Round]:
        """Return the latest rounds of all these, each read once a head."""
        if self._latest_at != self.head:
            self._latest_at, self._latest = self.head, {}
        known = self._latest  # another one after the next head
        wanted = {(job.job, batch): job for job, batch in batches}
        known.update(await self._read_new(wanted, known, "latest"))
        return {key: known[key] for key in wanted}

    async def _read_new(
        self,
        wanted: Mapping[BatchKey, PostedJob],
        known: Mapping[BatchKey, Round],
        block: int | str,
    ) -> dict[BatchKey, Round]:
        unknown = [key for key in wanted if key not in known]
        found: dict[BatchKey, Round] = {}
        for start in range(0, len(unknown), _MOST_AT_ONCE):
            keys = unknown[start : start + _MOST_AT_ONCE]
            found |= await self._read({key: wanted[key] for key in keys}, block)
        return found

    async def _read(
        self, wanted: Mapping[BatchKey, PostedJob], block: int | str
    ) -> dict[BatchKey, Round]:
        views = ("batch_of", "round_of")
        calls = [(view, key) for key in wanted for view in views]
        words = iter(await self.contracts.read(SERVICE, calls, block))
        return {
            key: _round(terms_of(job), key[1], next(words), next(words))
            for key, job in wanted.items()
        }

    async def captured_seed(self, job: PostedJob, round_: Round) -> tuple[int, int]:
        """Return the round's seed as stored (0: not captured yet) and the height it is drawn at."""
        if round_.number == FIRST_ROUND:
            word = JobWord.unpack(await self.contracts.call(SERVICE, "job_of", job.job))
            return word.seed, word.seed_height
        word_ = await self.contracts.call(SERVICE, "round_of", job.job, round_.batch)
        draw = RoundWord.unpack(word_)
        return draw.seed, draw.seed_height


def _round(terms: Terms, batch: BatchIndex, word: int, draw: int) -> Round:
    """Return the running round that a batch's two words describe."""
    state = BatchWord.unpack(word)
    mask, price = terms.full_mask(batch), terms.price
    if state.round != FIRST_ROUND:
        later = RoundWord.unpack(draw)
        mask, price = later.mask, later.price
    clock = terms.clock(state.opened_at)
    return Round(terms, batch, state, state.round, clock, mask, price)
