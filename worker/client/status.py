"""A job as a person sees it: what this machine knows of it, and what the chain says now."""

from dataclasses import dataclass

from worker.client.journal import Record
from worker.client.view import FINAL, BatchState, JobView, TaskState


@dataclass(frozen=True)
class JobStatus:
    """One job. `record` is there for jobs posted from this machine, `view` for posted ones.

    "Delivered" and "paid" are different things: results can be fetched as soon as they are
    settled; the payment behind them is final once the chain can no longer be reorganised so deep.
    """

    record: Record | None
    view: JobView | None
    head: int
    confirmations: int

    @property
    def key(self) -> str:
        """The job's key in hex, empty while it is not known."""
        return self.view.key.hex() if self.view else ""

    @property
    def name(self) -> str:
        """The name in the job file, empty for somebody else's job."""
        return self.record.name if self.record else ""

    @property
    def is_delivered(self) -> bool:
        """Whether every task's result stands."""
        return self.view is not None and self.view.is_delivered

    @property
    def is_paid(self) -> bool:
        """Whether all payments and refunds are final."""
        return self.view is not None and self.view.is_paid(self.head, self.confirmations)

    @property
    def state(self) -> str:
        """One word for lists."""
        if self.view is None:
            return "not posted" if self.record and self.record.error else "pending"
        if not self.view.is_over:
            return _moving(self.view)
        if self.view.is_delivered:
            return "paid" if self.is_paid else "delivered"
        return _ended(self.view)


def _moving(view: JobView) -> str:
    states = {batch.state for batch in view.batches}
    for state in (BatchState.UNFILLED, BatchState.CONTESTED):
        if state in states:
            return state.value
    if states == {BatchState.OPEN}:
        return BatchState.OPEN.value
    is_shown = states.difference(FINAL) == {BatchState.CHALLENGE}
    return BatchState.CHALLENGE.value if is_shown else BatchState.RUNNING.value


def _ended(view: JobView) -> str:
    """Name the worst that happened to a job that is over."""
    for state in (TaskState.TIED, TaskState.FAILED, TaskState.NO_QUORUM):
        if view.count(state):
            return state.value
    return "partial" if view.count(TaskState.DONE) else TaskState.REFUNDED.value
