"""What the events of ReplicatedJobs say about a batch."""

from dataclasses import replace

from worker.chain.contracts import Event
from worker.client import steps
from worker.client.view import BatchState, BatchView
from worker.protocol.words import Terms
from worker.types import Timestamp


def _claimed(batch: BatchView, event: Event, terms: Terms) -> BatchView:
    return replace(batch, seats=(*batch.seats, event.args["operator"]))


def _at(batch: BatchView, terms: Terms, now: int) -> BatchView:
    if batch.is_growing:
        return batch
    state = _state(batch, terms, now)
    clock = terms.clock(batch.opened_at)
    until = {
        BatchState.OPEN: clock.claim_until,
        BatchState.RUNNING: clock.run_until,
        BatchState.SEALED: clock.reveal_until,
    }.get(state)
    if terms.seats > 1 or state is not BatchState.REVEALED:
        return replace(batch, state=state, until=None if until is None else Timestamp(until))
    operator, values = next(iter(batch.revealed.items()))
    return replace(batch, state=state, standing=values, shown_by=(operator,))


def _state(batch: BatchView, terms: Terms, now: int) -> BatchState:
    if len(batch.seats) < terms.seats:
        is_late = now >= terms.clock(batch.opened_at).claim_until
        return BatchState.UNFILLED if is_late else BatchState.OPEN
    if batch.revealed:
        return BatchState.REVEALED
    return BatchState.SEALED if len(batch.sealed) == terms.seats else BatchState.RUNNING


REPLICATED = steps.Telling(
    view=BatchView,
    steps={
        "SeatClaimed": _claimed,
        "ResultSealed": steps.sealed,
        "ResultRevealed": steps.revealed,
        "RoundOpened": steps.opened,
        "BatchSettled": steps.settled,
        "BatchClosed": steps.closed,
    },
    at=_at,
)
