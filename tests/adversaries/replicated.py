"""What a batch of a replicated job owes to whom, from what its seats did (docs/protocol.md §4)."""

from dataclasses import dataclass, field
from typing import Any

from worker.chain.contracts import Event
from worker.protocol.outcome import Openings, Settlement, settle
from worker.protocol.record import blind
from worker.protocol.words import Terms, positions
from worker.types import Wei

SILENT, TIED, OUTVOTED = "silent", "tied", "outvoted"
_AGREED = b"agreed"


@dataclass
class ReplicatedBatch:
    """Follows one batch by the events of its seats; settlements are worked out here."""

    terms: Terms
    number: int
    seats: list[int] = field(default_factory=list)
    sealed: set[int] = field(default_factory=set)
    opened: dict[int, dict[int, bytes]] = field(default_factory=dict)
    ended: int = 0
    base: int = 0
    opened_at: int = 0
    mask: int = 0
    price: Wei = Wei(0)  # noqa: RUF009 - a plain int
    contested: int = 0
    is_over: bool = False

    def __post_init__(self) -> None:
        """A batch begins with all its tasks at the job's price."""
        self.mask = self.terms.full_mask(self.number)
        self.price = self.terms.price

    def follow(self, event: Event) -> None:
        """Take in what a seat did, or that a round began."""
        args = event.args
        if event.name == "RoundOpened":
            self._open(args)
        elif event.name == "SeatClaimed":
            self.seats.append(args["operator"])
        elif event.name == "ResultSealed":
            self.sealed.add(self.seats.index(args["operator"]))
        elif event.name == "ResultRevealed":
            seat = self.seats.index(args["operator"])
            values = args["values"] if not self.base else map(blind, args["values"])
            self.opened[seat] = dict(zip(positions(self.mask), values, strict=True))

    def settle(self, settled_at: int) -> Settlement:
        """Return what a settlement at that time must have done."""
        wanted = self.terms.grown_seats if self.base else self.terms.seats
        opened = self.opened
        if self._is_concluded(settled_at):
            agreed = dict.fromkeys(positions(self.mask), _AGREED)
            opened = dict.fromkeys(range(len(self.seats)), agreed)
        result = settle(
            self.terms,
            Openings(
                granted=len(self.seats),
                base=self.base,
                mask=self.mask,
                price=self.price,
                is_filled=len(self.seats) == wanted,
                sealed=sum(1 << seat for seat in self.sealed),
                opened=opened,
                ended=self.ended,
            ),
        )
        own = range(self.base, len(self.seats))
        self.ended |= sum(1 << seat for seat in own if seat not in opened)
        self.contested = result.contested
        self.is_over = not result.contested
        return result

    def reason(self, seat: int, result: Settlement) -> str:
        """Return why a settlement burnt a seat's stake."""
        if seat not in self.opened:
            return SILENT
        return TIED if result.tied else OUTVOTED

    def _is_concluded(self, settled_at: int) -> bool:
        """Whether all were paid at once: nobody can settle before a seal's window to open is over,
        but by showing that all that sealed agree."""
        clock = self.terms.clock(self.opened_at)
        all_opened = self.sealed <= set(self.opened)
        return not self.base and not all_opened and settled_at < clock.reveal_until

    def _open(self, args: Any) -> None:
        self.mask, self.price = args["mask"], Wei(args["price"])
        self.opened_at = args["opened_at"]
        if self.contested:
            self.base = len(self.seats)
        else:  # nobody filled the round before: it is as if it had not been
            self.seats, self.sealed, self.opened = [], set(), {}
