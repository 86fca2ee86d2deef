"""What the events of ProvableJobs say about a batch: its word, told again (docs/protocol.md §5)."""

from dataclasses import dataclass, field, replace

from worker.chain.contracts import Event
from worker.client import steps
from worker.client.view import BatchState, BatchView
from worker.errors import RpcError
from worker.protocol.provable_words import Fate, Phase, ProvableBatch, SeatKind
from worker.protocol.words import SeatOutcome, Terms
from worker.types import Gwei, OperatorId, Timestamp, Wei

_STATES = {
    Phase.OPEN: BatchState.OPEN,
    Phase.RUNNING: BatchState.RUNNING,
    Phase.SEALED: BatchState.SEALED,
    Phase.AUDIT_OPEN: BatchState.AUDIT_OPEN,
    Phase.AUDIT_RUNNING: BatchState.AUDIT_RUNNING,
    Phase.REVEAL: BatchState.REVEALING,
    Phase.CHALLENGE: BatchState.CHALLENGE,
}


@dataclass(frozen=True)
class ProvableBatchView(BatchView):
    """A batch with its word; heights and open demands in it are not told by events."""

    word: ProvableBatch = field(default_factory=lambda: ProvableBatch.unpack(0))


def _at_of(event: Event) -> int:
    if event.at is None:
        raise RpcError(f"{event.name}: the time of block {event.block_number} is not known")
    return event.at


def _claimed(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    operator, word = OperatorId(event.args["operator"]), batch.word
    seats = list(word.seats)
    first, second = seats[word.round]
    audits = word.phase is Phase.AUDIT_OPEN
    seats[word.round] = (first, operator) if audits else (operator, second)
    phase = Phase.AUDIT_RUNNING if audits else Phase.RUNNING
    word = replace(word, seats=tuple(seats), phase=phase, since=_at_of(event))
    return replace(batch, seats=(*batch.seats, operator), word=word)


def _sealed(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    audits = batch.word.phase is Phase.AUDIT_RUNNING
    phase = Phase.REVEAL if audits else Phase.SEALED
    batch = steps.sealed(batch, event, terms)
    return replace(batch, word=replace(batch.word, phase=phase, since=_at_of(event)))


def _advanced(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    word = ProvableBatch.unpack(event.args["word"])
    return batch if word.is_final else replace(batch, word=word)


def _revealed(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    batch = steps.revealed(batch, event, terms)
    word = batch.word
    if word.phase is Phase.SEALED:  # no audit was drawn: the opening told it
        spared = (word.fates[SeatKind.OPERATOR], Fate.GONE)
        word = replace(word, phase=Phase.REVEAL, fates=spared, since=_at_of(event))
    return replace(batch, word=_ended(word, event, Fate.OPENED))


def _forfeited(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    burnt, released = Gwei(event.args["burnt"]), Gwei(event.args["released"])
    batch = _lost(batch, event, burnt, released)
    if batch.word.phase in (Phase.RUNNING, Phase.AUDIT_RUNNING):
        return batch  # late: the batch's new word follows
    return replace(batch, word=_ended(batch.word, event, Fate.GONE))


def _convicted(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    batch = _lost(batch, event, Gwei(event.args["bond"]), Gwei(0))
    return replace(batch, word=_ended(batch.word, event, Fate.CONVICTED))


def _lost(batch: ProvableBatchView, event: Event, taken: Gwei, released: Gwei) -> ProvableBatchView:
    operator = OperatorId(event.args["operator"])
    return replace(batch, settled=(*batch.settled, SeatOutcome(operator, Wei(0), taken, released)))


def _ended(word: ProvableBatch, event: Event, fate: Fate) -> ProvableBatch:
    """Return the word after a seat of the running round met its fate."""
    seat = word.seat_of(event.args["operator"])
    if event.args["round"] != word.round or seat is None:
        return word  # the batch went on to another round in the same call
    first, second = word.fates
    fates = (fate, second) if seat is SeatKind.OPERATOR else (first, fate)
    word = replace(word, fates=fates)
    if word.phase is Phase.REVEAL and Fate.IN_PLAY not in fates and Fate.OPENED in fates:
        return replace(word, phase=Phase.CHALLENGE, since=_at_of(event))
    return word


def _opened(batch: ProvableBatchView, event: Event, terms: Terms) -> ProvableBatchView:
    batch = steps.opened(batch, event, terms)
    word = replace(
        ProvableBatch.unpack(0),
        seats=batch.word.seats,
        round=event.args["round"],
        since=event.args["opened_at"],
    )
    return replace(batch, word=word)


def _at(batch: ProvableBatchView, terms: Terms, now: int) -> ProvableBatchView:
    word = batch.word
    until = word.until(terms)
    state = _STATES[word.phase]
    if state is BatchState.OPEN and until is not None and now >= until:
        state = BatchState.UNFILLED
    seats = zip(word.seats[word.round], word.fates, strict=True)
    shown = {one: batch.revealed[one] for one, fate in seats if fate is Fate.OPENED}
    values = set(shown.values())
    return replace(
        batch,
        state=state,
        until=None if until is None else Timestamp(until),
        standing=values.pop() if len(values) == 1 else (),
        shown_by=tuple(shown),
    )


PROVABLE = steps.Telling(
    view=ProvableBatchView,
    steps={
        "SeatClaimed": _claimed,
        "ResultSealed": _sealed,
        "BatchAdvanced": _advanced,
        "ResultRevealed": _revealed,
        "SeatForfeited": _forfeited,
        "OperatorConvicted": _convicted,
        "RoundOpened": _opened,
        "BatchSettled": steps.settled,
        "BatchClosed": steps.closed,
    },
    at=_at,
)
