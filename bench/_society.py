"""A network of strategies over months: draws, bonds, fees, emission, vesting, pools, to the wei."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from _lanes import COLLUDER, HONEST, LAZY, LIAR, NAMES, WASHER, Habits, Tally, provable, replicated
from _money import (
    BPS,
    TOKEN,
    VESTING,
    burnt_of,
    convicted,
    emission_of,
    fee_of,
    pool_part,
    slashed,
    weight_of,
)
from _sortition import stakes
from _wash import EPOCHS, random_plan, scaled, wash

from scripts._params import Params
from worker.protocol.words import GWEI

WEEKS = 26
OPERATORS = 200
BATCHES = 1_000  # a week and lane
SHARES = {LAZY: 0.05, LIAR: 0.05, COLLUDER: 0.15, WASHER: 0.05}  # of the operators; else honest
COMMISSION = 8_000  # bps: an operator bears the costs, so it keeps more than they are


@dataclass(frozen=True)
class Work:
    """What a task is: amounts in wei of the network token, bonds in gwei; a run costs `run`, the
    transactions of a seat `gas`, a conviction `proof`."""

    price: int
    run: int
    gas: int
    proof: int
    bond: int
    provable_bond: int
    seats: tuple[int, int]
    audit_bps: int


@dataclass
class Books:
    """What each operator and its delegators have gained or lost, in wei."""

    work: list[int]
    costs: list[int]
    emission: list[int]
    slashes: list[int]
    bounties: list[int]
    washing: list[int]
    pools: list[int]
    seats: list[int]
    stood: list[int]

    @classmethod
    def of(cls, operators: int) -> "Books":
        """Return empty books."""
        return cls(*([0] * operators for _ in range(9)))

    def profit(self, operator: int) -> int:
        """Return what the operator's owner gained, bonds and costs counted off."""
        columns = (self.work, self.emission, self.bounties, self.washing)
        gained = sum(column[operator] for column in columns)
        return gained - self.costs[operator] - self.slashes[operator]


@dataclass
class Society:
    """One network and its life. Stake is gwei."""

    params: Params
    work: Work
    habits: Habits
    chance: np.random.Generator
    kinds: np.ndarray = field(init=False)
    own: list[int] = field(init=False)
    pool: list[int] = field(init=False)
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        chance, params = self.chance, self.params
        held = np.minimum(stakes(chance, OPERATORS, params.staking.minimum_stake), 10**5)
        self.kinds = np.full(OPERATORS, HONEST)
        places, start = chance.permutation(OPERATORS), 0
        for kind, share in SHARES.items():
            count = round(share * OPERATORS)
            self.kinds[places[start : start + count]] = kind
            start += count
        self.own = [int(tokens) * GWEI for tokens in held]
        self.pool = [int(chance.uniform(0, 1) * stake) for stake in self.own]
        self.began = list(self.own)
        self.lent = list(self.pool)
        self.books = Books.of(OPERATORS)
        self._burnt: dict[int, dict[int, int]] = {}
        self._convicted: dict[int, int] = defaultdict(lambda: -1)

    def live(self) -> None:
        """Play all weeks, and let everything vest behind them."""
        length = self.params.rewards.epoch
        vested_after = 1 + -(-VESTING // length)
        for week in range(WEEKS + vested_after):
            if week < WEEKS:
                self._burnt[week] = defaultdict(int)
                self._work(week)
                if week % EPOCHS == 0:
                    self._wash()
            self._claim(week - vested_after)

    def _work(self, week: int) -> None:
        chance, work = self.chance, self.work
        weights = np.array([self._weight(one) for one in range(OPERATORS)], np.uint64)
        plan = (chance, weights, self.kinds, BATCHES)
        tallies = (
            (replicated(*plan, work.seats, self.habits), work.bond),
            (provable(*plan, work.audit_bps / BPS, self.habits), work.provable_bond),
        )
        for tally, bond in tallies:
            for operator in range(OPERATORS):
                self._settle(week, operator, tally, bond)

    def _weight(self, operator: int) -> int:
        staking = self.params.staking
        limits = (staking.minimum_stake, staking.leverage, staking.weight_cap)
        return weight_of(self.own[operator], self.pool[operator], *limits)

    def _settle(self, week: int, operator: int, tally: Tally, bond: int) -> None:
        books, work = self.books, self.work
        seats, runs = int(tally.seats[operator]), int(tally.runs[operator])
        books.seats[operator] += seats
        books.stood[operator] += int(tally.stood[operator])
        books.costs[operator] += runs * work.run + seats * work.gas
        paid = int(tally.paid[operator])
        fee = paid * fee_of(work.price, self.params.escrow.fee_bps)
        books.work[operator] += self._income(operator, paid * work.price - fee)
        self._burnt[week][operator] += burnt_of(fee, self.params.rewards.burn_bps)
        contest = min(work.price // 10 // GWEI, bond)
        lost = int(tally.burnt[operator]) * bond + int(tally.fees[operator]) * contest
        self._slash(operator, lost, self.own[operator] + self.pool[operator])
        if convictions := int(tally.convicted[operator]):
            self._slash(operator, convictions * bond, self.own[operator])  # no pool backs these
            self._convicted[operator] = week
        bounty = convicted(bond)[0] * GWEI - work.proof
        books.bounties[operator] += int(tally.bounties[operator]) * bounty

    def _income(self, operator: int, amount: int) -> int:
        """Return the owner's part of an income."""
        stake, active = self.own[operator], self.pool[operator]
        part = pool_part(amount, COMMISSION, stake, active)
        self.books.pools[operator] += part
        return amount - part

    def _slash(self, operator: int, amount: int, most: int) -> None:
        """Take gwei away, at most so many: no more could have been locked."""
        own, pool = slashed(min(amount, most), self.own[operator], 0)
        self.own[operator] -= own
        self.pool[operator] -= pool
        self.books.slashes[operator] += own * GWEI
        self.books.pools[operator] -= pool * GWEI

    def _wash(self) -> None:
        """Each washer pays itself its stake over some epochs; its fees mint something again."""
        params = self.params
        for operator in np.flatnonzero(self.kinds == WASHER):
            plan = scaled(random_plan(self.chance, self.own[operator]), self.own[operator] * GWEI)
            lost = wash(plan, params.escrow.fee_bps, params.rewards.burn_bps,
                        params.rewards.rate_bps).lost  # fmt: skip
            self.books.washing[operator] -= lost

    def _claim(self, epoch: int) -> None:
        for operator, burnt in self._burnt.get(epoch, {}).items():
            if self._convicted[operator] < epoch:
                minted = emission_of(burnt, self.params.rewards.rate_bps)
                self.books.emission[operator] += self._income(operator, minted)


def summary(society: Society) -> dict[str, dict[str, float]]:
    """Return by strategy, in tokens: profit a seat, a year's on 100 of stake, delegators' alike."""
    found = {}
    for kind, name in enumerate(NAMES):
        of_kind = [one for one in range(OPERATORS) if society.kinds[one] == kind]
        books, years = society.books, WEEKS / 52
        profit = sum(map(books.profit, of_kind)) / TOKEN
        seats = sum(books.seats[one] for one in of_kind)
        stake = sum(society.began[one] for one in of_kind) / GWEI
        lent = sum(society.lent[one] for one in of_kind) / GWEI
        found[name] = {
            "a_seat": profit / max(1, seats),
            "a_year_per_100": 100 * profit / stake / years,
            "delegators_a_year_per_100": 100
            * sum(books.pools[one] for one in of_kind) / TOKEN / lent / years,
            "burnt_share_of_stake": sum(books.slashes[one] for one in of_kind) / TOKEN / stake,
            "lies_paid_per_1000_seats": 1000 * sum(books.stood[one] for one in of_kind)
            / max(1, seats),
            "emission_share_of_income": sum(books.emission[one] for one in of_kind)
            / max(1, sum(books.work[one] for one in of_kind)),
        }  # fmt: skip
    return found
