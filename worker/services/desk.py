"""What the acting services share: the operator's rows, the outbox, and how a seat makes a move."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic

from worker.protocol.outbox import Intent, OutboxEntry
from worker.protocol.words import GWEI, Terms
from worker.services.chain_view import Batches, ChainView
from worker.services.lane import Lane, R
from worker.services.terms import tasks_of, terms_of
from worker.storage.jobs import JobState, JobStore, PostedJob
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import Seat, SeatKey, SeatState, SeatStore
from worker.types import Address, BatchIndex, JobKey, OperatorId, Timestamp, Wei

_KEPT_JOBS = 1024


class Verb(StrEnum):
    """A seat's transactions, by what they do."""

    CLAIM = "claim"
    SEAL = "seal"
    REVEAL = "reveal"
    CONCLUDE = "conclude"
    SETTLE = "settle"
    EXPIRE = "expire"
    ADVANCE = "advance"


@dataclass(frozen=True)
class Identity:
    """Who works here. `salt` derives a seal's salt from the worker key, so it is never lost."""

    operator: OperatorId
    worker: Address
    salt: Callable[[bytes, int, int], bytes]


class Desk(Generic[R]):
    """The one place that turns a seat's next move into an intent, in one durable step; one for
    each lane, over the same database."""

    def __init__(
        self,
        identity: Identity,
        chain: ChainView,
        lane: Lane[R],
        jobs: JobStore,
        seats: SeatStore,
        outbox: SqliteOutbox,
    ) -> None:
        self.on_intent: Callable[[], None] = lambda: None
        self.identity = identity
        self.chain = chain
        self.lane = lane
        self.batches = Batches(chain, lane)
        self.jobs = jobs
        self.seats = seats
        self.outbox = outbox
        self._posted: dict[JobKey, PostedJob] = {}

    @property
    def service(self) -> Address:
        """Where calls about this lane's jobs go."""
        return self.chain.contracts.address(self.lane.service)

    def held(self, *states: SeatState) -> list[Seat]:
        """Return this lane's seats in these states, the oldest round first."""
        return self.seats.in_service(self.lane.service, *states)

    def new_jobs(self, limit: int) -> list[PostedJob]:
        """Return the first of this lane's jobs that nobody has judged, confirmed and not over."""
        chain = self.chain
        return self.jobs.open_jobs(
            self.lane.service, JobState.SEEN, chain.confirmed, chain.now, limit
        )

    def job(self, key: SeatKey) -> PostedJob:
        """Return the job that a stored seat belongs to."""
        job = self._posted.get(key.job) or self.jobs.get(key.job)
        if job is None:
            raise LookupError(f"seat {key.name} has no job")  # the foreign key forbids it
        if len(self._posted) >= _KEPT_JOBS:
            self._posted.clear()
        self._posted[key.job] = job
        return job

    def terms(self, key: SeatKey) -> Terms:
        """Return the terms of a seat's job."""
        return terms_of(self.job(key))

    def values(self, seat: Seat) -> list[bytes]:
        """Return what the seat seals and opens, one value a task."""
        tasks = tasks_of(self.terms(seat.key), seat.key.batch, seat.mask)
        records = self.seats.records(seat.key.job, tasks)
        return [self.lane.value(seat, record.digest) for record in records]

    def may_show(self, seat: Seat) -> bool:
        """Whether nobody can copy the seat's results any more."""
        logs = self.jobs.logs(
            seat.key.job, seat.key.batch, "ResultRevealed", up_to=self.chain.confirmed
        )
        me, number = self.identity.operator, seat.key.round
        opened = any(log.operator == me and log.round == number for log in logs)
        return self.lane.may_show(seat, self.terms(seat.key), opened)

    def salt(self, key: SeatKey) -> bytes:
        """Return the salt of the seat's seal."""
        return self.identity.salt(key.job, key.batch, key.round)

    def batch_bond(self, seat: Seat) -> Wei:
        """Return what the seat loses if it stays silent now, in wei."""
        return Wei(seat.bond * GWEI)

    def propose(
        self,
        verb: Verb,
        seat: Seat,
        data: bytes,
        *,
        step: str = "",
        state: SeatState | None = None,
        worth: Wei = Wei(0),  # noqa: B008 - a plain int
        not_after: int | None = None,
    ) -> None:
        """Store the seat's next state and the transaction that brings it there, at once.

        `step` tells moves of one verb apart that a seat makes one after the other.
        """
        move = self.consider(verb, seat, data)
        if move is None:
            return
        intent = Intent(
            purpose=purpose(verb, seat, step),
            to=self.service,
            data=move,
            worth=worth,
            not_after=None if not_after is None else Timestamp(not_after),
        )
        with self.outbox.transaction():
            if state is not None:
                self.seats.move(seat.key, state)
            self.outbox.enqueue(intent)
        self.on_intent()

    def consider(self, verb: Verb, seat: Seat, data: bytes) -> bytes | None:
        """Return the calldata of a move that is due, None to leave it: here an operator does its
        duty, and those that a local network plays for adversaries do not."""
        return data

    def entry(self, verb: Verb, seat: Seat, step: str = "") -> OutboxEntry | None:
        """Return the transaction that the seat sent for `verb` last."""
        return self.outbox.get(purpose(verb, seat, step))

    def settled(self, verb: Verb, seats: Iterable[Seat]) -> Iterator[tuple[Seat, OutboxEntry]]:
        """Yield those of the seats whose transaction for `verb` reached its end, and that."""
        by_purpose = {purpose(verb, seat): seat for seat in seats}
        for name, entry in self.outbox.settled(list(by_purpose)).items():
            yield by_purpose[name], entry

    def encode(self, function: str, *args: object) -> bytes:
        """Return calldata for the lane's contract."""
        return self.chain.contracts.encode(self.lane.service, function, *args)

    async def learn(self, seats: Iterable[Seat]) -> None:
        """Have `confirmed` ready for all these seats, with one request."""
        await self.batches.confirmed_all(map(self._batch, seats))

    async def look(self, seats: Iterable[Seat]) -> None:
        """Have `latest` ready for all these seats, with one request."""
        await self.batches.latest_all(map(self._batch, seats))

    async def confirmed(self, seat: Seat) -> R:
        """Return the running round of the seat's batch at confirmation depth."""
        return await self.batches.confirmed(*self._batch(seat))

    async def latest(self, seat: Seat) -> R:
        """Return the running round of the seat's batch in the newest block."""
        return await self.batches.latest(*self._batch(seat))

    def _batch(self, seat: Seat) -> tuple[PostedJob, BatchIndex]:
        return self.job(seat.key), seat.key.batch


def purpose(verb: Verb, seat: Seat, step: str = "") -> str:
    """Return the unique name of a seat's transaction; a repeated try has another."""
    name = f"{verb}:{seat.key.name}:{seat.tries}"
    return f"{name}:{step}" if step else name


def turn(seat_index: int, batch: int, count: int) -> int:
    """Return when a seat's turn is to crank, 0 first: gas is spent by one, and by each in turn."""
    return (seat_index + batch) % count
