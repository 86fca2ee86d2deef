"""What Staking owes, as its events and those of the services tell it. Amounts are gwei."""

from collections import Counter, defaultdict
from itertools import islice

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.recorder import Fact

PAGE = 8
"""How many exits one call pays or lists."""


class ExitQueue:
    """Stake of one operator that is leaving, oldest first, as [amount, matures_at]."""

    def __init__(self) -> None:
        self.exits: list[list[int]] = []

    @property
    def amount(self) -> int:
        """All that is in the queue."""
        return sum(amount for amount, _ in self.exits)

    def push(self, amount: int, matures_at: int) -> None:
        """Queue another exit."""
        self.exits.append([amount, matures_at])

    def due(self, now: int) -> list[list[int]]:
        """Return what one withdrawal may take."""
        return [exit for exit in self.exits[:PAGE] if exit[1] <= now]

    def withdraw(self, paid: int, now: int) -> None:
        """Take what a withdrawal paid, and forget the exits at the front that are used up."""
        due = self.due(now)
        self.take_oldest(paid)
        while due and due.pop(0)[0] == 0:
            self.exits.pop(0)

    def take_oldest(self, amount: int) -> None:
        """Take from the oldest on; what was taken whole stays, as nothing."""
        for exit in self.exits:
            taken = min(amount, exit[0])
            exit[0] -= taken
            amount -= taken


class Stakes:
    """Stake, exits and lanes of every operator, and the bounties that are kept."""

    def __init__(self) -> None:
        self.stake: Counter[int] = Counter()
        self.exits: defaultdict[int, ExitQueue] = defaultdict(ExitQueue)
        self.lanes: Counter[tuple[int, str]] = Counter()
        self.standing: dict[tuple[int, str], int] = {}
        self.kept: Counter[str] = Counter()
        self.worker: dict[int, str] = {}
        self.active: dict[str, bool] = {}

    @property
    def owed(self) -> int:
        """What Staking must hold."""
        return sum(self.stake.values()) + sum(self.kept.values())

    # What services do

    def lock(self, service: str, operator: int, amount: int) -> None:
        """A seat was taken."""
        self.lanes[operator, service] += amount

    def unlock(self, service: str, operator: int, amount: int) -> None:
        """A seat's bond ended, whatever became of it."""
        self.lanes[operator, service] -= amount
        assert self.lanes[operator, service] >= 0

    # Events

    def stake_added(self, fact: Fact) -> None:
        self.stake[fact.args["id"]] += fact.args["amount"]

    def exit_queued(self, fact: Fact) -> None:
        self.exits[fact.args["id"]].push(fact.args["amount"], fact.args["matures_at"])

    def stake_withdrawn(self, fact: Fact) -> None:
        operator, amount = fact.args["id"], fact.args["amount"]
        self.exits[operator].withdraw(amount, fact.at)
        self.stake[operator] -= amount

    def stake_burnt(self, fact: Fact) -> None:
        operator, amount = fact.args["id"], fact.args["amount"]
        staying = self.stake[operator] - self.exits[operator].amount
        self.exits[operator].take_oldest(max(0, amount - staying))
        self.stake[operator] -= amount

    stake_convicted = stake_burnt

    def standing_forfeited(self, fact: Fact) -> None:
        place = fact.args["id"], fact.args["service"]
        self.stake_burnt(fact)
        self.lanes[place] -= fact.args["amount"]
        del self.standing[place]

    def service_joined(self, fact: Fact) -> None:
        place = fact.args["id"], fact.args["service"]
        if place not in self.standing:
            self.standing[place] = fact.args["standing"]
            self.lanes[place] += fact.args["standing"]

    def standing_released(self, fact: Fact) -> None:
        place = fact.args["id"], fact.args["service"]
        self.lanes[place] -= fact.args["amount"]
        self.standing.pop(place, None)

    lane_voided = standing_released

    def worker_set(self, fact: Fact) -> None:
        self.worker[fact.args["id"]] = fact.args["worker"]

    def service_admitted(self, fact: Fact) -> None:
        self.active[fact.args["service"]] = True

    def service_retired(self, fact: Fact) -> None:
        self.active[fact.args["service"]] = False

    # Views

    def check(self, staking: VyperContract) -> None:
        """Compare with what the contract says; no more is locked than staked (invariant 3)."""
        assert staking.operator_count() == len(self.stake)
        locked: Counter[int] = Counter()
        for (operator, service), amount in self.lanes.items():
            assert staking.lane(operator, service) == amount
            locked[operator] += amount
        for operator, stake in self.stake.items():
            queue, seen = self.exits[operator], staking.operator(operator)
            assert (seen.stake, seen.exiting) == (stake, queue.amount)
            listed = [list(exit) for exit in staking.exits_of(operator)]
            assert listed == list(islice(queue.exits, PAGE))
            assert staking.locked_of(operator) == locked[operator] <= stake
            assert staking.worker_of(operator) == self.worker.get(operator, "0x" + "00" * 20)
        for service, amount in self.kept.items():
            assert staking.kept_for(service) == amount
        for service, is_active in self.active.items():
            assert staking.is_active(service) == is_active
