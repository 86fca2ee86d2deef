"""Every time that a batch asked for operators, as events tell it: the price, who came, the end."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from worker.chain.contracts import Event
from worker.client.lane import Lane, expected_cost
from worker.client.view import TaskState
from worker.errors import RpcError
from worker.protocol.words import Origin, SeatOutcome, Terms
from worker.types import JobKey, OperatorId, Timestamp, Wei


class Fill(StrEnum):
    """What became of a round's claim window."""

    FILLED = "filled"
    UNFILLED = "unfilled"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"  # by the payer, before the window was over


@dataclass(frozen=True)
class Round:
    """One claim window of one batch.

    `price` is wei of the job's token per task and seat, `cost` what a task costs at it when nobody
    dissents, on average. `seats` are the operators that were waited for; claims beyond them are
    auditors'. `tasks` counts how those of `mask` ended; `punished` lost something of their bonds.
    """

    lane: Lane
    job: JobKey
    token: int
    price: Wei
    cost: Wei
    seats: int
    mask: int
    opened_at: Timestamp
    until: Timestamp
    claims: tuple[tuple[OperatorId, Timestamp], ...] = ()
    closed_at: Timestamp | None = None
    tasks: Mapping[TaskState, int] = field(default_factory=dict)
    punished: tuple[OperatorId, ...] = ()

    @property
    def filled_at(self) -> Timestamp | None:
        """When the last seat was taken."""
        return self.claims[self.seats - 1][1] if len(self.claims) >= self.seats else None

    def fill(self, now: int) -> Fill:
        """Return how the window ended, or stands at `now`."""
        if self.filled_at is not None:
            return Fill.FILLED
        if self.closed_at is not None and self.closed_at < self.until:
            return Fill.WITHDRAWN
        return Fill.UNFILLED if now >= self.until else Fill.WAITING


@dataclass(frozen=True)
class _Job:
    lane: Lane
    key: JobKey
    terms: Terms

    def round(self, opened_at: int, price: Wei, seats: int, mask: int) -> Round:
        """Return a round as it begins."""
        cost = expected_cost(replace(self.terms, price=price)) // self.terms.tasks
        return Round(
            lane=self.lane,
            job=self.key,
            token=self.terms.token,
            price=price,
            cost=Wei(cost),
            seats=seats,
            mask=mask,
            opened_at=Timestamp(opened_at),
            until=Timestamp(opened_at + self.terms.claim),
        )


class _Reader:
    """Takes events in the order of the chain; those of jobs whose posting it missed are passed
    over."""

    def __init__(self) -> None:
        self._jobs: dict[bytes, _Job] = {}
        self._growing: set[tuple[bytes, int]] = set()
        self._rounds: dict[tuple[bytes, int], list[Round]] = {}
        self._takes: dict[str, Callable[[Event], None]] = {
            "SeatClaimed": self._claimed,
            "RoundOpened": self._opened,
            "BatchSettled": self._settled,
            "BatchClosed": self._closed,
            "SeatForfeited": self._punished,
            "OperatorConvicted": self._punished,
        }

    def take(self, event: Event) -> None:
        """Note what an event says."""
        if event.name == "JobPosted":
            self._posted(event)
        elif event.name in self._takes and event.args.get("job") in self._jobs:
            self._takes[event.name](event)

    def rounds(self) -> list[Round]:
        """Return what was told."""
        return [one for rounds in self._rounds.values() for one in rounds]

    def _posted(self, event: Event) -> None:
        args = event.args
        origin = Origin(args["nonce"], args["program"], args["inputs"], args["manifest"])
        terms = Terms.unpack(args["a"], args["b"], args["named"], origin.digest(args["payer"]))
        job = _Job(Lane(event.contract), JobKey(args["job"]), terms)
        self._jobs[job.key] = job
        for batch in range(terms.batches):
            mask = terms.full_mask(batch)
            first = job.round(terms.posted_at, terms.price, terms.seats, mask)
            self._rounds[job.key, batch] = [first]

    def _claimed(self, event: Event) -> None:
        one = self._round(event)
        claim = (OperatorId(event.args["operator"]), _time_of(event))
        self._keep(event, replace(one, claims=(*one.claims, claim)))

    def _opened(self, event: Event) -> None:
        args, job = event.args, self._jobs[event.args["job"]]
        place, seats = (job.key, args["batch"]), job.terms.seats
        if place in self._growing:
            seats = job.terms.grown_seats - seats
        opened = job.round(args["opened_at"], Wei(args["price"]), seats, args["mask"])
        self._rounds[place].append(opened)

    def _settled(self, event: Event) -> None:
        one, args = self._round(event), event.args
        if args["contested_mask"]:
            self._growing.add((args["job"], args["batch"]))
        lost = [seat.operator for seat in map(SeatOutcome.unpack, args["seats"]) if seat.burnt]
        tasks = _outcomes(one.mask, args)
        self._keep(event, replace(one, tasks=tasks, punished=(*one.punished, *lost)))

    def _closed(self, event: Event) -> None:
        rounds = self._rounds[event.args["job"], event.args["batch"]]
        refunded = {TaskState.REFUNDED: rounds[-1].mask.bit_count()}
        rounds[-1] = replace(rounds[-1], closed_at=_time_of(event), tasks=refunded)

    def _punished(self, event: Event) -> None:
        one = self._round(event)
        lost = OperatorId(event.args["operator"])
        self._keep(event, replace(one, punished=(*one.punished, lost)))

    def _round(self, event: Event) -> Round:
        number: int = event.args["round"]
        return self._rounds[event.args["job"], event.args["batch"]][number]

    def _keep(self, event: Event, one: Round) -> None:
        self._rounds[event.args["job"], event.args["batch"]][event.args["round"]] = one


def _outcomes(mask: int, args: Mapping[str, Any]) -> dict[TaskState, int]:
    """Return how many of a round's tasks a settlement ended in which way."""
    states = {TaskState.DONE: "paid", TaskState.FAILED: "failed", TaskState.TIED: "tied"}
    counts = {state: args[f"{kind}_mask"].bit_count() for state, kind in states.items()}
    rest = mask.bit_count() - sum(counts.values()) - args["contested_mask"].bit_count()
    return {**counts, TaskState.NO_QUORUM: rest}


def _time_of(event: Event) -> Timestamp:
    if event.at is None:
        raise RpcError(f"{event.name}: the time of block {event.block_number} is not known")
    return event.at


def read_rounds(events: Iterable[Event]) -> list[Round]:
    """Return all rounds of the jobs whose posting is among these events, which have times."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.rounds()
