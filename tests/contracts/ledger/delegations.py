"""What Delegation owes, as its events tell it: assets in gwei, income in wei."""

from collections import Counter, defaultdict
from fractions import Fraction

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.ledger.recorder import Fact
from tests.contracts.stateful.network import GWEI


class Pool:
    """What is delegated to one operator, and the shares of each delegator in it."""

    def __init__(self) -> None:
        self.assets = self.generation = 0
        self.staying: Counter[str] = Counter()
        self.exiting: Counter[str] = Counter()

    @property
    def shares(self) -> int:
        """All shares."""
        return self.staying.total() + self.exiting.total()

    def worth(self, shares: int) -> Fraction:
        """Return what shares are worth, exactly."""
        return Fraction(self.assets * shares, self.shares)

    def renew(self) -> None:
        """Begin another generation: whoever was in the pool has lost everything."""
        self.generation += 1
        self.staying.clear()
        self.exiting.clear()


class Delegations:
    """All pools, what each delegator has earned to the fraction, and what it has claimed."""

    def __init__(self) -> None:
        self.pools: defaultdict[int, Pool] = defaultdict(Pool)
        self.matures: dict[tuple[int, str], int] = {}
        self.earned: defaultdict[tuple[int, str], Fraction] = defaultdict(Fraction)
        self.turns: Counter[tuple[int, str]] = Counter()  # at each, a wei may be rounded away
        self.unclaimed = 0

    @property
    def owed(self) -> int:
        """What the vault must hold, wei."""
        return sum(pool.assets for pool in self.pools.values()) * GWEI + self.unclaimed

    # Events

    def delegated(self, fact: Fact) -> None:
        pool, who = self._turn(fact)
        amount, shares = fact.args["amount"], fact.args["shares"]
        if pool.shares and not pool.assets:
            pool.renew()
        fair = Fraction(amount * pool.shares, pool.assets) if pool.shares else Fraction(amount)
        assert 0 <= fair - shares < 1
        pool.assets += amount
        pool.staying[who] += shares

    def delegation_exit_queued(self, fact: Fact) -> None:
        pool, who = self._turn(fact)
        pool.staying[who] -= fact.args["shares"]
        pool.exiting[who] += fact.args["shares"]
        assert pool.staying[who] >= 0
        self.matures[fact.args["id"], who] = fact.args["matures_at"]

    def delegation_withdrawn(self, fact: Fact) -> None:
        pool, who = self.pools[fact.args["id"]], fact.args["delegator"]
        shares, amount = fact.args["shares"], fact.args["amount"]
        assert fact.at >= self.matures[fact.args["id"], who]
        assert 0 <= pool.worth(shares) - amount < 1
        pool.exiting[who] -= shares
        pool.assets -= amount
        assert pool.exiting[who] >= 0

    def pool_slashed(self, fact: Fact) -> None:
        pool = self.pools[fact.args["id"]]
        pool.assets -= fact.args["amount"]
        assert pool.assets >= 0

    def pool_earned(self, fact: Fact) -> None:
        operator, amount = fact.args["id"], fact.args["amount"]
        pool = self.pools[operator]
        for who, shares in pool.staying.items():
            self.earned[operator, who] += Fraction(amount * shares, pool.staying.total())
        self.unclaimed += amount

    def income_claimed(self, fact: Fact) -> None:
        self._turn(fact)
        place = fact.args["id"], fact.args["delegator"]
        self.earned[place] -= fact.args["amount"]
        self.unclaimed -= fact.args["amount"]
        assert 0 <= self.earned[place] <= self.turns[place]

    def commission_set(self, fact: Fact) -> None:
        assert fact.args["bps"] <= 10_000

    def _turn(self, fact: Fact) -> tuple[Pool, str]:
        place = operator, who = fact.args["id"], fact.args["delegator"]
        self.turns[place] += 1
        return self.pools[operator], who

    # Views

    def check(self, delegation: VyperContract) -> None:
        """Compare with what the contract says; nobody can claim more than it earned."""
        for operator, pool in self.pools.items():
            exiting = pool.exiting.total()
            seen = delegation.pool(operator)
            assert tuple(seen) == (pool.assets, pool.generation, pool.shares, exiting)
            worth = 0
            for who in pool.staying:
                position = delegation.position(operator, who)
                assert position.generation <= pool.generation
                if position.generation == pool.generation:
                    held = pool.staying[who], pool.exiting[who]
                    assert (position.shares, position.exiting) == held
                    worth += int(pool.worth(sum(held))) if pool.shares else 0
            assert worth <= pool.assets
        for (operator, who), earned in self.earned.items():
            claimable = delegation.claimable(operator, who)
            assert 0 <= earned - claimable <= self.turns[operator, who] + 1
