"""What the chain says of a worker's seats, and what it denies of the worker's own words."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from worker.chain.contracts import Event
from worker.protocol.seals import DIGEST_MASK
from worker.protocol.words import SeatOutcome
from worker.services.desk import Desk
from worker.storage.seats import HOLDING, Earning, Seat, SeatKey, SeatState
from worker.types import BatchIndex, Gwei, JobKey, OperatorId, Wei

_HELD = (*HOLDING, SeatState.SETTLED, SeatState.LOST)
_SEALED = (SeatState.SEALED, SeatState.REVEALING, SeatState.REVEALED)
_BEFORE_A_LATE_CLAIM = (SeatState.RUNNING, SeatState.RAN, SeatState.SEALING)

Place = tuple[JobKey, BatchIndex, int]
"""A round of a batch."""


class Told:
    """What a service's events say about one operator's seats."""

    def __init__(self, operator: OperatorId, events: Iterable[Event]) -> None:
        self._operator = operator
        self.claimed: set[Place] = set()
        self.sealed: dict[Place, bytes] = {}
        self.opened: set[Place] = set()
        self._ends: dict[tuple[JobKey, BatchIndex], list[Event]] = defaultdict(list)
        for event in events:
            if event.args.get("operator") == self._operator:
                self._note(event)
            elif event.name == "BatchSettled":
                self._ends[event.args["job"], event.args["batch"]].append(event)

    def _note(self, event: Event) -> None:
        args = event.args
        if event.name in ("SeatForfeited", "OperatorConvicted"):
            self._ends[args["job"], args["batch"]].append(event)
            return
        place = (args["job"], args["batch"], args.get("round", 0))
        if event.name == "SeatClaimed":
            self.claimed.add(place)
        elif event.name == "ResultSealed":
            self.sealed[place] = args["digest"]
        elif event.name == "ResultRevealed":
            self.opened.add(place)

    def earned(self, key: SeatKey) -> tuple[Wei, Gwei, Gwei]:
        """Return what the seat was paid, and what of its bond was burnt and released."""
        paid = burnt = released = 0
        for event in self._ends[key.job, key.batch]:
            if event.args["round"] < key.round:
                continue
            for gain, loss, back in _outcomes(event, self._operator):
                paid, burnt, released = paid + gain, burnt + loss, released + back
        return Wei(paid), Gwei(burnt), Gwei(released)


def seat_trouble(
    desk: Desk[Any], seat: Seat, told: Told, is_running: bool, seal: bytes | None
) -> str:
    """Return what the chain denies of a seat, empty for nothing.

    `is_running`: its round still runs, with the operator in a seat of the batch; `seal` is the
    digest that it must have sealed, None where a record is missing.
    """
    return (
        _state_trouble(seat, told, is_running)
        or _secret_trouble(seal, told.sealed.get(place_of(seat.key)))
        or _end_trouble(desk, seat, told)
    )


def place_of(key: SeatKey) -> Place:
    """Return the round of a batch in which a seat is."""
    return key.job, key.batch, key.round


def _outcomes(event: Event, operator: int) -> Iterable[tuple[int, int, int]]:
    if event.name == "OperatorConvicted":
        return [(0, event.args["bond"], 0)]
    if event.name == "SeatForfeited":
        return [(0, event.args["burnt"], event.args["released"])]
    seats = map(SeatOutcome.unpack, event.args["seats"])
    return [(one.paid, one.burnt, one.released) for one in seats if one.operator == operator]


def _state_trouble(seat: Seat, told: Told, is_running: bool) -> str:
    """Return what the chain denies of a seat's state."""
    place, state = place_of(seat.key), seat.state
    is_late = seat.claims_late and state in _BEFORE_A_LATE_CLAIM
    if state in _HELD and not is_late and place not in told.claimed:
        return "never claimed"
    if state in _SEALED and place not in told.sealed:
        return "never sealed"
    if state is SeatState.REVEALED and place not in told.opened:
        return "never opened"
    if state is SeatState.VOID and is_running:
        return "given up, but held on the chain"
    return ""


def _secret_trouble(known: bytes | None, sealed: bytes | None) -> str:
    """Return why the seal on the chain could not be opened with what is known here."""
    if sealed is None:
        return ""
    if known is None:
        return "the records behind its seal are lost"
    is_same = int.from_bytes(known) & DIGEST_MASK == int.from_bytes(sealed) & DIGEST_MASK
    return "" if is_same else "sealed something else"


def _end_trouble(desk: Desk[Any], seat: Seat, told: Told) -> str:
    """Return what the chain denies of a seat's earning."""
    earning = desk.seats.earning(seat.key)
    if seat.state not in (SeatState.SETTLED, SeatState.LOST):
        return ""
    if earning is None:
        return "ended without an earning"
    chain, books = told.earned(seat.key), _amounts(earning)
    if chain != books:
        return f"earned {chain} (paid, burnt, released), not {books}"
    return "" if (seat.state is SeatState.LOST) is (chain[1] > 0) else f"burnt {chain[1]}"


def _amounts(earning: Earning) -> tuple[Wei, Gwei, Gwei]:
    return earning.paid, earning.burnt, earning.released
