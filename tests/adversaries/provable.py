"""What a batch of a provable job owes to whom, from what its seats did (docs/protocol.md §5)."""

from dataclasses import dataclass, field

from worker.chain.contracts import Event
from worker.protocol.provable_words import reserve
from worker.protocol.words import Terms
from worker.types import Gwei, Wei


@dataclass(frozen=True)
class Ending:
    """What a settlement must have done: wei paid and gwei burnt by operator, wei refunded."""

    paid: dict[int, Wei]
    burnt: dict[int, Gwei]
    refund: Wei


@dataclass
class ProvableBatch:
    """Follows one batch by the events of its seats. Its rounds need not be told apart: nobody has
    two seats of a batch, and every seat of a round has ended when another round begins, even where
    the end is told behind the beginning (a demand that was not answered)."""

    terms: Terms
    number: int
    sealed: set[int] = field(default_factory=set)
    opened: dict[int, list[bytes]] = field(default_factory=dict)
    is_over: bool = False

    @property
    def tasks(self) -> int:
        """How many tasks it has."""
        return len(self.terms.tasks_in(self.number))

    @property
    def bond(self) -> Gwei:
        """What each seat locks."""
        return Gwei(self.terms.bond * self.tasks)

    @property
    def reserve(self) -> Wei:
        """What Escrow holds for it."""
        return reserve(self.terms, self.tasks)

    def follow(self, event: Event) -> None:
        """Take in what a seat did."""
        if event.name == "ResultSealed":
            self.sealed.add(event.args["operator"])
        elif event.name == "ResultRevealed":
            self.opened[event.args["operator"]] = list(event.args["values"])

    def fall_silent(self, operator: int) -> Gwei:
        """Return what a seat loses that did not seal, open or answer in time."""
        self.opened.pop(operator, None)
        return self.bond if operator in self.sealed else Gwei(self.bond // 4)

    def convict(self, operator: int) -> Gwei:
        """Return what a convicted seat loses."""
        self.opened.pop(operator)
        return self.bond

    def settle(self) -> Ending:
        """Return what a settlement must do with the seats that are still in play."""
        self.is_over = True
        values = list(self.opened.values())
        if any(one != values[0] for one in values):
            return Ending({}, dict.fromkeys(self.opened, self.bond), self.reserve)
        each = Wei(self.terms.price * self.tasks)
        paid = dict.fromkeys(self.opened, each)
        return Ending(paid, {}, Wei(self.reserve - sum(paid.values())))
