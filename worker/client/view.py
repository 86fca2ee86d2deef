"""A job as it stands at one block, in words that people understand; `replay` makes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.client.lane import Lane
from worker.errors import NotFoundError
from worker.protocol.settled import Result
from worker.protocol.words import Origin, SeatOutcome, Stage, Terms
from worker.types import Address, BatchIndex, JobKey, OperatorId, TaskIndex, Timestamp, Wei

_NOTHING = Wei(0)


class BatchState(StrEnum):
    """How far a batch is. The last four are final."""

    OPEN = "open"  # waiting for operators
    UNFILLED = "unfilled"  # nobody else may claim: raise the price or cancel
    RUNNING = "running"  # all seats taken
    SEALED = "sealed"  # all seats have a result, none is shown yet
    AUDIT_OPEN = "audit open"  # drawn for an audit, waiting for an auditor
    AUDIT_RUNNING = "audit running"
    REVEALING = "revealing"  # operators show their results now, or lose the bond
    REVEALED = "revealed"  # a result was shown; settlement, or the payer's acceptance, is due
    CHALLENGE = "challenge"  # shown; whoever proves it wrong takes the bond, else it is paid
    CONTESTED = "contested"  # results differed: more operators run it
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"  # every round was lost, or no time was left for another


class TaskState(StrEnum):
    """What became of a task. Only `done` has a result; all but the first are final."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # most hosts could not finish it
    TIED = "tied"  # results differ and none has a majority
    NO_QUORUM = "no quorum"  # silence left too few results
    REFUNDED = "refunded"  # its batch ended without any


FINAL = (BatchState.SETTLED, BatchState.EXPIRED, BatchState.CANCELLED, BatchState.REFUNDED)


@dataclass(frozen=True)
class TaskView:
    """One task: its outcome, the value that stands, who was paid for it."""

    index: TaskIndex
    state: TaskState = TaskState.PENDING
    value: bytes | None = None
    operators: tuple[OperatorId, ...] = ()


@dataclass(frozen=True)
class BatchView:
    """One batch.

    `seats` are the running round's operators, in provable jobs the auditor last; `changed_in` is
    the block of its last event; `result` has what stood at each stage, as the contract hashes it.
    `standing` are the values of a batch that is not final which will be paid
    for unless they are refused or proved wrong, and `shown_by` who showed them.
    """

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
    until: Timestamp | None = None
    """When the window of its state ends, where one runs and is known."""
    standing: tuple[bytes, ...] = ()
    shown_by: tuple[OperatorId, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in FINAL


@dataclass(frozen=True)
class JobView:
    """One job at one block. Terms are as posted."""

    lane: Lane
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


def unfinished(view: JobView) -> Sequence[TaskIndex]:
    """Return the tasks that are over without a result: what a retry posts again."""
    over = {state for state in TaskState if state not in (TaskState.PENDING, TaskState.DONE)}
    return [task.index for task in view.tasks if task.state in over]
