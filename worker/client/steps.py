"""How the events of a job become its view: what differs by lane, and the steps that do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from worker.chain.contracts import Event
from worker.client.lane import Lane
from worker.client.view import BatchState, BatchView, JobView, TaskState, TaskView
from worker.protocol.settled import Result
from worker.protocol.words import Origin, SeatOutcome, Stage, Terms, positions
from worker.storage.locators import decode_locators
from worker.types import BatchIndex, JobKey, TaskIndex, Timestamp, Wei

V = TypeVar("V", bound=BatchView)

Step = Callable[[V, Event, Terms], V]
"""What an event does to its batch."""


@dataclass(frozen=True)
class Telling(Generic[V]):
    """How one lane's events are read: the kind of its batches, a step by the event's name, and what
    names the state of a batch that is not final, by the clock too."""

    view: type[V]
    steps: Mapping[str, Step[V]]
    at: Callable[[V, Terms, int], V]


_CLOSED = {1: BatchState.EXPIRED, 2: BatchState.CANCELLED, 3: BatchState.REFUNDED}


def posted(event: Event, view: type[BatchView]) -> JobView:
    """Return the job as it was posted, its batches of class `view`."""
    args = event.args
    origin = Origin(args["nonce"], args["program"], args["inputs"], args["manifest"])
    terms = Terms.unpack(args["a"], args["b"], args["named"], origin.digest(args["payer"]))
    batches = tuple(
        view(
            BatchIndex(index),
            {TaskIndex(task): TaskView(TaskIndex(task)) for task in terms.tasks_in(index)},
            opened_at=terms.posted_at,
            price=terms.price,
            mask=terms.full_mask(index),
            changed_in=event.block_number,
        )
        for index in range(terms.batches)
    )
    return JobView(
        Lane(event.contract),
        JobKey(args["job"]),
        args["payer"],
        terms,
        origin,
        decode_locators(args["locators"]),
        event.block_number,
        batches,
    )


def settled(batch: V, event: Event, terms: Terms) -> V:
    """Take a settlement: of everything, or of all but what is contested."""
    args = event.args
    seats = tuple(SeatOutcome.unpack(word) for word in args["seats"])
    paid = tuple(seat.operator for seat in seats if seat.paid)
    order = list(batch.tasks)
    values = dict(zip(positions(args["paid_mask"]), args["values"], strict=True))
    masks = (
        (TaskState.FAILED, args["failed_mask"]),
        (TaskState.TIED, args["tied_mask"]),
        (TaskState.PENDING, args["contested_mask"]),
    )
    states = {bit: state for state, mask in masks for bit in positions(mask)}
    tasks = dict(batch.tasks)
    for bit in positions(batch.mask):
        state = TaskState.DONE if bit in values else states.get(bit, TaskState.NO_QUORUM)
        tasks[order[bit]] = TaskView(order[bit], state, values.get(bit), paid)
    contested = args["contested_mask"]
    stage = Stage.BASE if contested else Stage.FINAL
    stands = {stage: Result.of_event(args)} if values else {}
    return replace(
        batch,
        tasks=tasks,
        state=BatchState.CONTESTED if contested else BatchState.SETTLED,
        is_growing=bool(contested),
        mask=contested,
        settled=(*batch.settled, *seats),
        result={**batch.result, **stands},
    )


def closed(batch: V, event: Event, terms: Terms) -> V:
    """Take the end of a batch without a result."""
    tasks = {index: replace(task, state=TaskState.REFUNDED) for index, task in batch.tasks.items()}
    state = _CLOSED[event.args["reason"]]
    return replace(batch, tasks=tasks, state=state, refund=Wei(event.args["refund"]))


def sealed(batch: V, event: Event, terms: Terms) -> V:
    """Take a seal."""
    return replace(batch, sealed=batch.sealed | {event.args["operator"]})


def revealed(batch: V, event: Event, terms: Terms) -> V:
    """Take an opening."""
    shown = {**batch.revealed, event.args["operator"]: tuple(event.args["values"])}
    return replace(batch, revealed=shown)


def opened(batch: V, event: Event, terms: Terms) -> V:
    """Begin another round; one over contested tasks keeps the seats of the one before."""
    args = event.args
    return replace(
        batch,
        round=args["round"],
        opened_at=Timestamp(args["opened_at"]),
        price=Wei(args["price"]),
        mask=args["mask"],
        seats=batch.seats if batch.is_growing else (),
        sealed=frozenset(),
        revealed={},
    )
