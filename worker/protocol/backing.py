"""What an operator's stake may still back: the twin of Staking's arithmetic (protocol.md §9)."""

from dataclasses import dataclass

from worker.types import Gwei


@dataclass(frozen=True)
class Backing:
    """What stands behind an operator's locks, in gwei; what exits is left out.

    `own` is its own stake, `delegated` what others lent it, `locked` what all services hold, and
    `own_locked` what those hold that accept nothing but own stake.
    """

    own: int
    delegated: int
    leverage: int
    locked: int
    own_locked: int

    @property
    def votes(self) -> Gwei:
        """What it votes with, once its votes are in step."""
        return Gwei(self.own + self.delegated)

    def room(self, needs_own: bool) -> Gwei:
        """Return the most that a service can lock now; `needs_own` if it accepts nothing but own
        stake."""
        own_room = self.own - self.own_locked
        if own_room < 0:  # some of what is held exits: nothing new can be locked
            return Gwei(0)
        behind = min(self.delegated, self.own * (self.leverage - 1))
        room = self.own + behind - self.locked
        return Gwei(max(0, min(room, own_room) if needs_own else room))
