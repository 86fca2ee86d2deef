"""Wash traders of every shape, to the wei: who pays itself, and what comes back.

A trader owns payers, operators and delegators. Each payment costs the fee; what comes back is what
is minted for the operators' burnt fees, split between owners and pools that are all the trader's.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from _money import BPS, TOKEN, burnt_of, emission_of, fee_of, pool_part

EPOCHS = 4
SIZES: dict[str, Callable[[np.random.Generator], float]] = {
    "dust": lambda chance: chance.integers(1, 10**6),
    "alike": lambda chance: 5 * TOKEN,
    "any": lambda chance: chance.uniform(1, 1_000 * TOKEN),
    "heavy-tailed": lambda chance: TOKEN * chance.pareto(1.2),
    "one large": lambda chance: chance.lognormal(10, 2) * TOKEN,
}


@dataclass(frozen=True)
class Payment:
    """One payment, in wei, by a payer to an operator, in an epoch, at a place in its order."""

    payer: int
    operator: int
    epoch: int
    amount: int


@dataclass(frozen=True)
class Plan:
    """What a trader does. `booked` are the (epoch, operator) after whose payments fees are divided;
    after the last epoch all are. Pools' numbers are in gwei by operator, 0 for none."""

    shape: str
    payments: tuple[Payment, ...]
    booked: frozenset[tuple[int, int]]
    stakes: tuple[int, ...]
    pools: tuple[int, ...]
    commissions: tuple[int, ...]


@dataclass
class Outcome:
    """What became of it, in wei; `owners` and `pools` by operator are what was paid to each."""

    volume: int = 0
    burnt: int = 0
    treasury: int = 0
    minted: int = 0
    owners: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    pools: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def lost(self) -> int:
        """What the trader is poorer by; gas comes on top."""
        return self.burnt + self.treasury - self.minted


def random_plan(chance: np.random.Generator, stake: int, operators: int = 8) -> Plan:
    """Return a trader with up to so many operators of `stake` gwei each."""
    count, payers = int(chance.integers(1, operators + 1)), int(chance.integers(1, 21))
    shape = str(chance.choice(list(SIZES)))
    jobs = 1 + int(chance.integers(0, 4)) if shape == "one large" else int(chance.integers(1, 60))
    share = chance.dirichlet(np.full(count, chance.choice([0.3, 1, 30])))
    bursts = chance.dirichlet(np.full(EPOCHS, chance.choice([0.2, 1, 30])))
    payments = [
        Payment(
            int(chance.integers(payers)),
            int(chance.choice(count, p=share)),
            int(chance.choice(EPOCHS, p=bursts)),
            1 + int(SIZES[shape](chance)),
        )
        for _ in range(jobs)
    ]
    booked = {
        (epoch, operator)
        for epoch in range(EPOCHS - 1)
        for operator in range(count)
        if chance.random() < 0.5
    }
    sizes = np.where(chance.random(count) < 0.5, 0, chance.uniform(1, 3 * stake / 10**9, count))
    return Plan(
        shape,
        tuple(sorted(payments, key=lambda payment: payment.epoch)),
        frozenset(booked),
        (stake,) * count,
        tuple(int(tokens) * 10**9 for tokens in sizes),
        tuple(int(bps) for bps in chance.integers(0, BPS + 1, count)),
    )


def scaled(plan: Plan, volume: int) -> Plan:
    """Return the plan with payments of about so many wei in all."""
    total = sum(payment.amount for payment in plan.payments)
    payments = (replace(one, amount=1 + one.amount * volume // total) for one in plan.payments)
    return replace(plan, payments=tuple(payments))


def wash(plan: Plan, fee_bps: int, burn_bps: int, rate_bps: int) -> Outcome:
    """Return what a plan comes to: the same steps as on the chain, in the same order."""
    outcome = Outcome(volume=sum(payment.amount for payment in plan.payments))
    owed: dict[int, int] = defaultdict(int)
    fees: dict[int, int] = defaultdict(int)
    for epoch in range(EPOCHS):
        for payment in plan.payments:
            if payment.epoch == epoch:
                fee = fee_of(payment.amount, fee_bps)
                owed[payment.operator] += payment.amount - fee
                fees[payment.operator] += fee
        for operator in range(len(plan.stakes)):
            if (epoch, operator) in plan.booked or epoch == EPOCHS - 1:
                burnt = burnt_of(fees[operator], burn_bps)
                outcome.burnt += burnt
                outcome.treasury += fees.pop(operator, 0) - burnt
                minted = emission_of(burnt, rate_bps)
                outcome.minted += minted
                _pay(plan, outcome, operator, owed.pop(operator, 0))
                _pay(plan, outcome, operator, minted)
    return outcome


def _pay(plan: Plan, outcome: Outcome, operator: int, amount: int) -> None:
    stake, active = plan.stakes[operator], plan.pools[operator]
    part = pool_part(amount, plan.commissions[operator], stake, active)
    outcome.pools[operator] += part
    outcome.owners[operator] += amount - part
