"""What the services know of the chain: its head, how far it was scanned, and batches by lane.

A batch changes only with a log about it, or about a demand that holds it, so it stays known until
the watcher tells of one.
"""

from collections.abc import Iterable, Mapping
from typing import Generic

from worker.chain.contracts import Contracts
from worker.chain.wire import Block
from worker.services.lane import BatchKey, Lane, R
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, JobKey, Timestamp

_MOST_AT_ONCE = 50
_MOST_KEPT = 4096  # batches: those of all seats by far, and of what was drawn lately


class ChainView:
    """The head and the depth at which the worker acts; the same for every lane."""

    def __init__(self, contracts: Contracts, confirmations: int) -> None:
        self.contracts = contracts
        self.confirmations = confirmations
        self.head: Block | None = None
        self.scanned_to = -1
        self.rollbacks = 0
        """How often a reorganisation took back what was known."""

    @property
    def now(self) -> Timestamp:
        """Chain time: the head's timestamp, 0 before the first look."""
        return self.head.timestamp if self.head else Timestamp(0)

    @property
    def confirmed(self) -> int:
        """The highest block that is deep enough to act upon; -1 before the first look."""
        return min(self.scanned_to, self.head.number - self.confirmations) if self.head else -1

    @property
    def seed_source(self) -> str:
        """The name of the deployment's source of block hashes; each kind of network has its own."""
        return next(name for name in self.contracts.deployment.contracts if name.endswith("Seed"))


class Batches(Generic[R]):
    """The running rounds of a lane's batches, read once and kept until they change."""

    def __init__(self, chain: ChainView, lane: Lane[R]) -> None:
        self._chain = chain
        self._lane = lane
        self._confirmed: dict[BatchKey, R] = {}
        self._forgotten = 0
        self._latest: dict[BatchKey, R] = {}
        self._latest_at: Block | None = None

    def forget(self, job: JobKey, batch: BatchIndex | None) -> None:
        """A log about the batch became deep enough, or nobody here asks for it any more."""
        if batch is not None:
            self._confirmed.pop((job, batch), None)
            self._forgotten += 1

    def forget_all(self) -> None:
        """A reorganisation took back what was known."""
        self._confirmed.clear()
        self._latest.clear()
        self._forgotten += 1

    async def confirmed(self, job: PostedJob, batch: BatchIndex) -> R:
        """Return the batch's round at confirmation depth. Raises RpcError."""
        return (await self.confirmed_all([(job, batch)]))[job.job, batch]

    async def confirmed_all(
        self, batches: Iterable[tuple[PostedJob, BatchIndex]]
    ) -> dict[BatchKey, R]:
        """Return the rounds of all these, read in one request where they are not known."""
        wanted = {(job.job, batch): job for job, batch in batches}
        known = {key: self._confirmed[key] for key in wanted if key in self._confirmed}
        forgotten = self._forgotten
        found = await self._read_new(wanted, known, self._chain.confirmed)
        if forgotten == self._forgotten:  # else a log may have outdated what was read meanwhile
            if len(self._confirmed) > _MOST_KEPT:
                self._confirmed.clear()
            self._confirmed.update(found)
        return known | found

    async def latest(self, job: PostedJob, batch: BatchIndex) -> R:
        """Return the batch's round in the newest block. Raises RpcError."""
        return (await self.latest_all([(job, batch)]))[job.job, batch]

    async def latest_all(
        self, batches: Iterable[tuple[PostedJob, BatchIndex]]
    ) -> dict[BatchKey, R]:
        """Return the latest rounds of all these, each read once a head."""
        if self._latest_at != self._chain.head:
            self._latest_at, self._latest = self._chain.head, {}
        known = self._latest  # another one after the next head
        wanted = {(job.job, batch): job for job, batch in batches}
        known.update(await self._read_new(wanted, known, "latest"))
        return {key: known[key] for key in wanted}

    async def _read_new(
        self,
        wanted: Mapping[BatchKey, PostedJob],
        known: Mapping[BatchKey, R],
        block: int | str,
    ) -> dict[BatchKey, R]:
        unknown = [key for key in wanted if key not in known]
        found: dict[BatchKey, R] = {}
        for start in range(0, len(unknown), _MOST_AT_ONCE):
            keys = {key: wanted[key] for key in unknown[start : start + _MOST_AT_ONCE]}
            found |= await self._lane.read(self._chain.contracts, keys, block)
        return found
