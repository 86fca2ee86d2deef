"""The simulation's sums (bench/_money.py, bench/_wash.py) are the contracts', to the wei."""

from dataclasses import replace

import _money as money
import boa
import numpy as np
import pytest
from _wash import EPOCHS, Plan, random_plan, wash

from scripts._params import load
from tests.contracts.economy_world import COMMISSION, STAKE, STANDING, EconomyWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import GWEI, TOKEN

PARAMS = load("sepolia")
SHIPPED = (PARAMS.escrow.fee_bps, PARAMS.rewards.burn_bps, PARAMS.rewards.rate_bps)
MOST = 12  # payments of a plan that are played


@pytest.fixture
def shipped(world: EconomyWorld) -> EconomyWorld:
    """The network under the shipped fee, burning and emission, at an epoch's beginning; the payer
    has most of the supply."""
    fee, burn, rate = SHIPPED
    world.escrow.set_fee_bps(fee, sender=world.net.owner)
    world.rewards.set_burn_share(burn, sender=world.net.owner)
    world.rewards.set_rate(rate, sender=world.net.owner)
    world.token.transfer(world.payer, 9 * 10**8 * TOKEN, sender=world.net.owner)
    world.go((world.epoch + 1) * net.REWARDS_EPOCH)
    return world


@pytest.mark.parametrize("seed", range(6))
def test_wash__random_plan__each_account_to_the_wei(shipped, seed):
    """A trader's payments, bookings and claims on the chain leave what the simulation says."""
    plan = random_plan(np.random.default_rng(seed), STAKE * GWEI, operators=2)
    commissions = (COMMISSION, *plan.commissions[1:])
    plan = replace(plan, payments=plan.payments[:MOST], commissions=commissions)
    expected = wash(plan, *SHIPPED)
    lend(shipped, plan)
    owners = [shipped.token.balanceOf(owner) for owner in shipped.owners]
    pools, supply = shipped.token.balanceOf(shipped.delegation), shipped.token.totalSupply()
    treasury = shipped.token.balanceOf(shipped.net.treasury)

    play(shipped, plan)

    gained = [shipped.token.balanceOf(owner) for owner in shipped.owners]
    for operator, before in enumerate(owners):
        assert gained[operator] - before == expected.owners[operator]
    in_pools = shipped.token.balanceOf(shipped.delegation) - pools
    assert in_pools == sum(expected.pools.values())
    assert shipped.token.totalSupply() - supply == expected.minted - expected.burnt
    assert shipped.token.balanceOf(shipped.net.treasury) - treasury == expected.treasury
    assert expected.lost > 0 or expected.burnt + expected.treasury == 0


def lend(world: EconomyWorld, plan: Plan) -> None:
    """Have the trader's own delegators fill its pools."""
    if len(plan.stakes) == 2:
        world.delegation.open_pool(2, plan.commissions[1], sender=world.owners[1])
    for operator, gwei in enumerate(plan.pools, start=1):
        if gwei:
            world.delegate(operator, gwei * GWEI, operator)


def play(world: EconomyWorld, plan: Plan) -> None:
    """Pay, divide and claim as the plan says, in the simulation's order."""
    first, operators = world.epoch, range(1, len(plan.stakes) + 1)
    for epoch in range(EPOCHS):
        for payment in plan.payments:
            if payment.epoch == epoch:
                world.earn(payment.amount, payment.operator + 1)
        for operator in operators:
            if (epoch, operator - 1) in plan.booked or epoch == EPOCHS - 1:
                book(world, operator)
        world.close(first + epoch)
    world.wait(money.VESTING)
    for epoch in range(first, first + EPOCHS):
        for operator in operators:
            burnt = world.rewards.burnt_of(epoch, operator)
            if money.emission_of(burnt, SHIPPED[2]):
                world.rewards.claim(operator, epoch)


def book(world: EconomyWorld, operator: int) -> None:
    """Pay an operator, and divide its fees where there are any."""
    if world.escrow.operator_fees(operator, 0):
        world.rewards.book(operator)
    elif world.escrow.operator_credit(operator, 0):
        world.pay_out(operator)


@pytest.mark.parametrize("seed", range(4))
def test_slashed__random_slashes__own_part_then_the_pools(world, seed):
    """What own-stake services hold is kept; a conviction's parts come out of the own part alone."""
    chance = np.random.default_rng(seed)
    lent, strict = (int(chance.integers(1, STAKE)) for _ in range(2))
    world.delegate(0, lent * TOKEN)
    world.staking.sync_votes(1)
    room = (STAKE + lent - strict - 2 * STANDING) * GWEI - seed
    world.lock(strict * GWEI - 2 * STANDING * GWEI if strict > 2 * STANDING else GWEI,
               service=world.strict_service)  # fmt: skip
    kept = world.staking.lane(1, world.strict_service)
    world.lock(min(room, (STAKE + lent) * GWEI - world.staking.locked_of(1)))
    amount = int(chance.integers(GWEI, world.staking.lane(1, world.open_service) - STANDING * GWEI))
    own, pool = money.slashed(amount, STAKE * GWEI, kept)
    bounty, repaid, burnt = money.convicted(own)
    supply, assets = world.token.totalSupply(), world.assets()
    prover = world.token.balanceOf(world.stranger)
    payer = world.token.balanceOf(world.payer)

    world.convict(amount, service=world.open_service)

    assert world.assets() == assets - pool
    assert world.staking.stake_of(1) == STAKE * GWEI - own
    assert world.token.balanceOf(world.stranger) - prover == bounty * GWEI
    assert world.token.balanceOf(world.payer) - payer == repaid * GWEI
    assert supply - world.token.totalSupply() == (burnt + pool) * GWEI


@pytest.mark.parametrize("seed", range(4))
def test_shares__slashes_between_delegations__bought_and_worth(world, seed):
    chance = np.random.default_rng(seed)
    assets = shares = 0
    for who in range(3):
        tokens = int(chance.integers(1, 2_000))
        gwei = tokens * GWEI + int(chance.integers(GWEI))
        bought = world.delegate(who, gwei * GWEI)
        assert bought == money.shares_for(gwei, assets, shares)
        assets, shares = assets + gwei, shares + bought
        world.staking.sync_votes(1)
        if who == 0:
            locked = STAKE * GWEI - world.staking.locked_of(1) + assets
            world.lock(locked)
            taken = STAKE * GWEI + int(chance.integers(assets // 2)) - STANDING * GWEI
            world.burn(taken)  # the strict service's standing bond is kept
            assets -= money.slashed(taken, STAKE * GWEI, STANDING * GWEI)[1]
            world.release(locked - taken)
    assert world.assets() == assets
    mine = world.position(0).shares
    world.go(world.undelegate(0))
    expected = money.worth(mine, assets, shares) * GWEI
    assert world.withdraw(0) == expected


@pytest.mark.parametrize(("lent", "exit"), [(0, 0), (3_333, 1), (25_000, 0), (150_000, 8_500)])
def test_weight_of__stake_and_delegations__as_drawn_with(world, lent, exit):
    """Leverage, whole tokens, and what exits: the weight of the next epoch."""
    if exit:
        world.staking.unstake(1, exit * TOKEN, sender=world.owners[0])
    if lent:
        world.delegate(0, lent * TOKEN + GWEI)
    world.staking.sync_votes(1)
    world.wait(net.EPOCH)
    weight, _ = world.staking.weight_at(1, world.now)
    own, active = (STAKE - exit) * GWEI, lent * GWEI + (1 if lent else 0)
    limits = (net.MINIMUM_STAKE, net.LEVERAGE, net.WEIGHT_CAP)
    assert weight == money.weight_of(own, active, *limits)


def test_vesting__a_closed_epoch__as_long_as_said(world):
    epoch = world.epoch
    assert world.close(epoch) == world.now + money.VESTING


def test_least_bond__gas_and_price__as_courts_say():
    gas = (1, 1_700_000, 16_700_000)
    network = net.deploy()
    with boa.env.prank(network.owner):
        courts = net.contract("Courts").deploy(network.staking, 100, 0, 1)
        for dearest in gas:
            courts.admit_genesis(net.contract("mocks/MockCourt").deploy(), dearest)
        for price in (1, 3, 20 * GWEI, 10**15):
            courts.set_gas_price(price)
            found = [courts.limits(court, 0).least_bond for court in range(len(gas))]
            assert found == [money.least_bond(dearest, price) for dearest in gas]
