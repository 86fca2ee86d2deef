"""What differs between kinds of jobs, for the services that all of them share.

A lane is one jobs contract with its rules: how its batches are read, when a seat may be claimed or
sealed, what is sealed. Watching, drawing, claiming, running and sealing are the same in every lane.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from worker.chain.contracts import Contracts
from worker.protocol.words import Clock, Terms
from worker.storage.jobs import PostedJob
from worker.storage.seats import Seat
from worker.types import BatchIndex, JobKey, OperatorId, TaskIndex, Wei

BatchKey = tuple[JobKey, BatchIndex]

FIRST_ROUND = 0


class Running(Protocol):
    """The running round of a batch, as whoever has or wants a seat of it sees it."""

    @property
    def terms(self) -> Terms:
        """The job's terms."""

    @property
    def number(self) -> int:
        """The round's number, 0 first."""

    @property
    def clock(self) -> Clock:
        """When its open seats were offered, and until when they can be claimed."""

    @property
    def mask(self) -> int:
        """The tasks of the batch that it is about."""

    @property
    def tasks(self) -> list[TaskIndex]:
        """The same tasks, as the job counts them."""

    @property
    def price(self) -> Wei:
        """What a seat earns for a task."""

    @property
    def seats(self) -> int:
        """How many seats are drawn together."""

    @property
    def is_named(self) -> bool:
        """Whether its open seats are for the job's named operators alone."""

    @property
    def is_growing(self) -> bool:
        """Whether it adds seats to those of the round before."""

    @property
    def is_final(self) -> bool:
        """Whether the batch is over."""

    @property
    def is_filled(self) -> bool:
        """Whether no seat is open."""

    @property
    def by_job_seed(self) -> bool:
        """Whether its seats are drawn by the seed that all first rounds of the job share."""

    def holds(self, operator: OperatorId) -> bool:
        """Whether the operator has a seat already and can have no other."""

    def run_seconds(self, now: int) -> int:
        """Return how long a run may take for a seat that is claimed `now`."""

    def seal_until(self, operator: OperatorId, now: int) -> int | None:
        """Return until when the operator may seal its seat, None when it is not its time."""


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Seed:
    """What seats are drawn by: the low `bits` of the hash at `height`. `value` is 0 until somebody
    captured it."""

    value: int
    height: int
    bits: int


class Lane(Protocol[R]):
    """The rules of one jobs contract."""

    service: str
    """The contract's name in the deployment."""

    prefix: str
    """What the names of its services begin with, so that they can be told apart."""

    drawn_anew: tuple[str, ...]
    """Logs after which seats of a batch are drawn by a seed of its own."""

    sealed_before: str
    """How the contract refuses a seal that it has already."""

    no_seat: str
    """How the contract refuses a seal of whoever holds no seat."""

    def first_round(self, terms: Terms, batch: BatchIndex) -> R:
        """Return a batch's round as nobody has touched it."""

    async def read(
        self, contracts: Contracts, wanted: Mapping[BatchKey, PostedJob], block: int | str
    ) -> dict[BatchKey, R]:
        """Return the running rounds of some batches at a block, in one request."""

    async def seed(
        self, contracts: Contracts, job: PostedJob, batch: BatchIndex, round_: R
    ) -> Seed:
        """Return what the round's open seats are drawn by."""

    async def bars(self, contracts: Contracts, round_: R, operator: OperatorId) -> bool:
        """Whether the open seat is closed to this operator for a reason beyond its ticket."""

    def value(self, seat: Seat, digest: bytes) -> bytes:
        """Return what the seat seals and opens for a record with this digest."""

    def may_show(self, seat: Seat, terms: Terms, has_opened: bool) -> bool:
        """Whether nobody can copy the seat's results any more; `has_opened`: at confirmation
        depth."""


AnyLane = Lane[Any]


def is_open_to(seat: Seat, round_: Running, now: int) -> bool:
    """Whether a seat that is still to be claimed can be had: of that round, with time left."""
    clock = round_.clock
    is_same = round_.number == seat.key.round and clock.opened_at == seat.opened_at
    return is_same and not round_.is_final and not round_.is_filled and now < clock.claim_until
