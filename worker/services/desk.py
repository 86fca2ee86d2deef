"""What the acting services share: the operator's rows, the outbox, and how a seat makes a move."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.protocol.outbox import Intent, OutboxEntry
from worker.protocol.record import blind
from worker.protocol.words import GWEI, Terms
from worker.services.rounds import SERVICE, ChainView, Round, tasks_of, terms_of
from worker.storage.jobs import JobStore, PostedJob
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import Seat, SeatKey, SeatState, SeatStore
from worker.types import Address, BatchIndex, JobKey, OperatorId, Timestamp, Wei


class Verb(StrEnum):
    """A seat's transactions, by what they do."""

    CLAIM = "claim"
    SEAL = "seal"
    REVEAL = "reveal"
    CONCLUDE = "conclude"
    SETTLE = "settle"
    EXPIRE = "expire"


@dataclass(frozen=True)
class Identity:
    """Who works here. `salt` derives a seal's salt from the worker key, so it is never lost."""

    operator: OperatorId
    worker: Address
    salt: Callable[[bytes, int, int], bytes]


class Desk:
    """The one place that turns a seat's next move into an intent, in one durable step."""

    def __init__(
        self,
        identity: Identity,
        chain: ChainView,
        jobs: JobStore,
        seats: SeatStore,
        outbox: SqliteOutbox,
    ) -> None:
        self.on_intent: Callable[[], None] = lambda: None
        self.identity = identity
        self.chain = chain
        self.jobs = jobs
        self.seats = seats
        self.outbox = outbox
        self._posted: dict[JobKey, PostedJob] = {}

    def job(self, key: SeatKey) -> PostedJob:
        """Return the job that a stored seat belongs to."""
        job = self._posted.get(key.job) or self.jobs.get(key.job)
        if job is None:
            raise LookupError(f"seat {key.name} has no job")  # the foreign key forbids it
        self._posted[key.job] = job
        return job

    def terms(self, key: SeatKey) -> Terms:
        """Return the terms of a seat's job."""
        return terms_of(self.job(key))

    def values(self, seat: Seat) -> list[bytes]:
        """Return what the seat seals and opens: v in a base round, s in growth."""
        tasks = tasks_of(self.terms(seat.key), seat.key.batch, seat.mask)
        digests = [record.digest for record in self.seats.records(seat.key.job, tasks)]
        return digests if seat.is_growth else [blind(digest) for digest in digests]

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
        state: SeatState | None = None,
        worth: Wei = Wei(0),  # noqa: B008 - a plain int
        not_after: int | None = None,
    ) -> None:
        """Store the seat's next state and the transaction that brings it there, at once."""
        intent = Intent(
            purpose=purpose(verb, seat),
            to=self.chain.service,
            data=data,
            worth=worth,
            not_after=None if not_after is None else Timestamp(not_after),
        )
        with self.outbox.transaction():
            if state is not None:
                self.seats.move(seat.key, state)
            self.outbox.enqueue(intent)
        self.on_intent()

    def entry(self, verb: Verb, seat: Seat) -> OutboxEntry | None:
        """Return the transaction that the seat sent for `verb` last."""
        return self.outbox.get(purpose(verb, seat))

    def settled(self, verb: Verb, seats: Iterable[Seat]) -> Iterator[tuple[Seat, OutboxEntry]]:
        """Yield those of the seats whose transaction for `verb` reached its end, and that."""
        by_purpose = {purpose(verb, seat): seat for seat in seats}
        for name, entry in self.outbox.settled(list(by_purpose)).items():
            yield by_purpose[name], entry

    def encode(self, function: str, *args: object) -> bytes:
        """Return calldata for the jobs service."""
        return self.chain.contracts.encode(SERVICE, function, *args)

    async def learn(self, seats: Iterable[Seat]) -> None:
        """Have `confirmed` ready for all these seats, with one request."""
        await self.chain.confirmed_rounds(map(self._batch, seats))

    async def look(self, seats: Iterable[Seat]) -> None:
        """Have `latest` ready for all these seats, with one request."""
        await self.chain.latest_rounds(map(self._batch, seats))

    async def confirmed(self, seat: Seat) -> Round:
        """Return the running round of the seat's batch at confirmation depth."""
        return await self.chain.confirmed_round(*self._batch(seat))

    async def latest(self, seat: Seat) -> Round:
        """Return the running round of the seat's batch in the newest block."""
        return await self.chain.latest_round(*self._batch(seat))

    def _batch(self, seat: Seat) -> tuple[PostedJob, BatchIndex]:
        return self.job(seat.key), seat.key.batch


def purpose(verb: Verb, seat: Seat) -> str:
    """Return the unique name of a seat's transaction; a repeated try has another."""
    return f"{verb}:{seat.key.name}:{seat.tries}"


def turn(seat_index: int, batch: int, count: int) -> int:
    """Return when a seat's turn is to crank, 0 first: gas is spent by one, and by each in turn."""
    return (seat_index + batch) % count
