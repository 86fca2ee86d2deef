"""A job as its events tell it: pure, so that what is shown can be tested without a chain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from worker.chain.contracts import Event
from worker.errors import NotFoundError
from worker.protocol.settled import Result
from worker.protocol.words import Origin, SeatOutcome, Stage, Terms, positions
from worker.storage.locators import decode_locators
from worker.types import Address, BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp, Wei

_NOTHING = Wei(0)
_EXPIRED = 1  # BatchClosed's reasons; 2 is cancelled


class BatchState(StrEnum):
    """How far a batch is. The last three are final."""

    OPEN = "open"  # waiting for operators
    UNFILLED = "unfilled"  # nobody else may claim: raise the price or cancel
    RUNNING = "running"  # all seats taken
    SEALED = "sealed"  # all seats have a result, none is shown yet
    REVEALED = "revealed"  # a result was shown; settlement, or the payer's acceptance, is due
    CONTESTED = "contested"  # results differed: more operators run it
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """What became of a task. Only `done` has a result; all but the first are final."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # most hosts could not finish it
    TIED = "tied"  # results differ and none has a majority
    NO_QUORUM = "no quorum"  # silence left too few results
    REFUNDED = "refunded"  # its batch expired or was cancelled


FINAL = (BatchState.SETTLED, BatchState.EXPIRED, BatchState.CANCELLED)


@dataclass(frozen=True)
class TaskView:
    """One task: its outcome, the value that stands, who was paid for it."""

    index: TaskIndex
    state: TaskState = TaskState.PENDING
    value: bytes | None = None
    operators: tuple[OperatorId, ...] = ()


@dataclass(frozen=True)
class BatchView:
    """One batch. `seats` are the running round's operators, `changed_in` the block of its last
    event; `result` has what stood at each stage, as the contract hashes it."""

    index: BatchIndex
    tasks: Mapping[TaskIndex, TaskView]
    opened_at: Timestamp
    price: Wei
    mask: int
    changed_in: int
    state: BatchState = BatchState.OPEN
    round: int = 0
    is_growing: bool = False
    seats: tuple[OperatorId, ...] = ()
    sealed: frozenset[OperatorId] = frozenset()
    revealed: Mapping[OperatorId, tuple[bytes, ...]] = field(default_factory=dict)
    settled: tuple[SeatOutcome, ...] = ()
    result: Mapping[Stage, Result] = field(default_factory=dict)
    refund: Wei = _NOTHING

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in FINAL


@dataclass(frozen=True)
class JobView:
    """One job at one block. Terms are as posted."""

    key: JobKey
    payer: Address
    terms: Terms
    origin: Origin
    locators: tuple[str, ...]
    block: int
    batches: tuple[BatchView, ...]

    @property
    def tasks(self) -> list[TaskView]:
        """Every task, in order."""
        return [task for batch in self.batches for task in batch.tasks.values()]

    @property
    def is_over(self) -> bool:
        """Whether every batch is final."""
        return all(batch.is_final for batch in self.batches)

    @property
    def is_accepted(self) -> bool:
        """Whether every batch has all its operators, or needs none any more."""
        waiting = (BatchState.OPEN, BatchState.UNFILLED)
        return not any(batch.state in waiting for batch in self.batches)

    @property
    def is_delivered(self) -> bool:
        """Whether every task's result stands and can be fetched. Payment may still be undone by a
        reorganisation of the chain: see `is_paid`."""
        return all(task.state is TaskState.DONE for task in self.tasks)

    def is_paid(self, head: int, confirmations: int) -> bool:
        """Whether all that is owed was paid so deep below `head` that it is final."""
        deep = head - confirmations
        return self.is_over and all(batch.changed_in <= deep for batch in self.batches)

    @property
    def spent(self) -> Wei:
        """What operators were given, fees included."""
        return Wei(sum(seat.paid for batch in self.batches for seat in batch.settled))

    def count(self, state: TaskState) -> int:
        """How many tasks are in a state."""
        return sum(task.state is state for task in self.tasks)

    def batch(self, index: int) -> BatchView:
        """Return a batch. Raises NotFoundError."""
        if not 0 <= index < len(self.batches):
            raise NotFoundError(f"no batch {index}: the job has {len(self.batches)}")
        return self.batches[index]

    def task(self, index: int) -> TaskView:
        """Return a task. Raises NotFoundError."""
        if not 0 <= index < self.terms.tasks:
            raise NotFoundError(f"no task {index}: the job has {self.terms.tasks}")
        return self.batches[index // self.terms.batch_size].tasks[TaskIndex(index)]


def replay(events: Iterable[Event], now: int) -> JobView:
    """Return the job that these events of it tell, `now` in chain time. Raises NotFoundError."""
    job: JobView | None = None
    batches: dict[int, BatchView] = {}
    for event in events:
        if event.name == "JobPosted":
            job = _posted(event)
            batches = {batch.index: batch for batch in job.batches}
        elif job is not None and (step := _STEPS.get(event.name)):
            index = event.args["batch"]
            after = step(batches[index], event.args, job.terms)
            batches[index] = replace(after, changed_in=event.block_number)
    if job is None:
        raise NotFoundError("no such job on this chain")
    settled = tuple(_at(batch, job.terms, now) for batch in batches.values())
    return replace(job, batches=settled)


def _posted(event: Event) -> JobView:
    args = event.args
    origin = Origin(args["nonce"], args["program"], args["inputs"], args["manifest"])
    terms = Terms.unpack(args["a"], args["b"], args["named"], origin.digest(args["payer"]))
    batches = tuple(
        BatchView(
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
        JobKey(args["job"]),
        args["payer"],
        terms,
        origin,
        decode_locators(args["locators"]),
        event.block_number,
        batches,
    )


def _claimed(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
    return replace(batch, seats=(*batch.seats, args["operator"]))


def _sealed(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
    return replace(batch, sealed=batch.sealed | {args["operator"]})


def _revealed(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
    shown = {**batch.revealed, args["operator"]: tuple(args["values"])}
    return replace(batch, revealed=shown)


def _opened(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
    """Begin another round: at a raised price, or growth over the contested tasks."""
    grows = batch.is_growing
    return replace(
        batch,
        round=args["round"],
        opened_at=Timestamp(args["opened_at"]),
        price=Wei(args["price"]),
        mask=args["mask"],
        seats=() if not grows else batch.seats,
        sealed=frozenset(),
        revealed={},
    )


def _settled(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
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


def _closed(batch: BatchView, args: Mapping[str, Any], terms: Terms) -> BatchView:
    expired = args["reason"] == _EXPIRED
    tasks = {index: replace(task, state=TaskState.REFUNDED) for index, task in batch.tasks.items()}
    state = BatchState.EXPIRED if expired else BatchState.CANCELLED
    return replace(batch, tasks=tasks, state=state, refund=Wei(args["refund"]))


_STEPS = {
    "SeatClaimed": _claimed,
    "ResultSealed": _sealed,
    "ResultRevealed": _revealed,
    "RoundOpened": _opened,
    "BatchSettled": _settled,
    "BatchClosed": _closed,
}


def _at(batch: BatchView, terms: Terms, now: int) -> BatchView:
    """Name the state of a batch that is not final, from who did what and from the clock."""
    if batch.is_final or batch.is_growing:
        return batch
    return replace(batch, state=_open_state(batch, terms, now))


def _open_state(batch: BatchView, terms: Terms, now: int) -> BatchState:
    if len(batch.seats) < terms.seats:
        is_late = now >= terms.clock(batch.opened_at).claim_until
        return BatchState.UNFILLED if is_late else BatchState.OPEN
    if batch.revealed:
        return BatchState.REVEALED
    return BatchState.SEALED if len(batch.sealed) == terms.seats else BatchState.RUNNING


def unfinished(view: JobView) -> Sequence[TaskIndex]:
    """Return the tasks that are over without a result: what a retry posts again."""
    over = {state for state in TaskState if state not in (TaskState.PENDING, TaskState.DONE)}
    return [task.index for task in view.tasks if task.state in over]
