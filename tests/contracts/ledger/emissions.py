"""What Rewards burnt and minted, as its events tell it: wei, by epoch and operator."""

from collections import Counter
from typing import NamedTuple

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.recorder import Fact

BPS = 10_000
VESTING = 30 * 86_400


class Closed(NamedTuple):
    """What an epoch gives, and from when on."""

    rate_bps: int
    vests_at: int


class Emissions:
    """Burnt fees, closed epochs, and what was claimed of them."""

    def __init__(self) -> None:
        self.burnt: Counter[tuple[int, int]] = Counter()
        self.minted: Counter[tuple[int, int]] = Counter()
        self.closed: dict[int, Closed] = {}

    def fees_burnt(self, fact: Fact) -> None:
        assert fact.args["epoch"] not in self.closed
        self.burnt[fact.args["epoch"], fact.args["id"]] += fact.args["amount"]

    def epoch_closed(self, fact: Fact) -> None:
        epoch = fact.args["epoch"]
        assert epoch not in self.closed
        assert fact.args["vests_at"] == fact.at + VESTING
        assert fact.args["burnt"] == sum(b for (of, _), b in self.burnt.items() if of == epoch)
        self.closed[epoch] = Closed(fact.args["rate_bps"], fact.args["vests_at"])

    def emission_claimed(self, fact: Fact) -> None:
        """Once, vested, and less than was burnt for the same operator in the same epoch."""
        place = epoch, _ = fact.args["epoch"], fact.args["id"]
        rate, vests_at = self.closed[epoch]
        assert place not in self.minted
        assert fact.at >= vests_at
        assert fact.args["delegated"] <= fact.args["amount"]
        assert fact.args["amount"] == self.burnt[place] * rate // BPS < self.burnt[place]
        self.minted[place] = fact.args["amount"]

    def check(self, rewards: VyperContract) -> None:
        """Compare with what the contract says."""
        for (epoch, operator), burnt in self.burnt.items():
            left = 0 if (epoch, operator) in self.minted else burnt
            assert rewards.burnt_of(epoch, operator) == left
        for epoch, closed in self.closed.items():
            assert rewards.closed(epoch) == closed
