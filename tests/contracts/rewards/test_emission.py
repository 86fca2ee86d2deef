"""Emission: less than was burnt, later, once, and nothing for the convicted."""

import boa
import pytest

from tests.contracts.economy_world import COMMISSION, STAKE
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, GWEI, TOKEN

PAID = 1_000 * TOKEN
BURNT = PAID * net.FEE_BPS // 10_000 // 2
MINTED = BURNT * net.RATE_BPS // 10_000
VESTING = 30 * DAY


@pytest.fixture
def booked(world):
    """Operator 1 earned and had its fees divided in the epoch of now; the epoch begins now."""
    world.go((world.epoch + 1) * net.REWARDS_EPOCH)
    world.earn(PAID)
    world.rewards.book(1)
    return world


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_close_epoch__around_its_end(booked, late):
    epoch = booked.epoch
    booked.go((epoch + 1) * net.REWARDS_EPOCH + late)
    if late < 0:
        with boa.reverts("rewards: epoch is not over"):
            booked.rewards.close_epoch(epoch, sender=booked.stranger)
        return
    booked.rewards.close_epoch(epoch, sender=booked.stranger)
    assert booked.rewards.closed(epoch) == (net.RATE_BPS, booked.now + VESTING)
    with boa.reverts("rewards: epoch is closed"):
        booked.rewards.close_epoch(epoch)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_claim__around_its_vesting(booked, late):
    epoch = booked.epoch
    with boa.reverts("rewards: epoch is not closed"):
        booked.rewards.claim(1, epoch)
    booked.go(booked.close(epoch) + late)
    if late < 0:
        with boa.reverts("rewards: not vested"):
            booked.rewards.claim(1, epoch)
        return
    supply = booked.token.totalSupply()
    owner = booked.gain(
        booked.owners[0], lambda: booked.rewards.claim(1, epoch, sender=booked.stranger)
    )
    assert owner == booked.token.totalSupply() - supply == MINTED


def test_claim__twice_or_without_burning__reverts(booked):
    epoch = booked.epoch
    booked.go(booked.close(epoch))
    booked.rewards.claim(1, epoch)
    for operator in (1, 2, 99):
        with boa.reverts("rewards: nothing to claim"):
            booked.rewards.claim(operator, epoch)


def test_claim__delegators__get_their_part_by_the_pool(world):
    world.delegate(0, 5_000 * TOKEN)
    epoch = world.vested()
    world.claim(0)  # what the work itself earned
    supply = world.token.totalSupply()
    world.rewards.claim(1, epoch)
    part = MINTED * (10_000 - COMMISSION) // 10_000 * 5_000 // (STAKE + 5_000)
    assert world.claim(0) in (part - 1, part)
    assert world.token.totalSupply() - supply == MINTED


def test_claim__rate_is_that_of_the_closing(booked):
    epoch = booked.epoch
    booked.rewards.set_rate(9_000, sender=booked.net.owner)
    vests_at = booked.close(epoch)
    booked.rewards.set_rate(0, sender=booked.net.owner)
    booked.go(vests_at)
    assert booked.gain(booked.owners[0], lambda: booked.rewards.claim(1, epoch)) == BURNT * 9 // 10


def test_claim__rate_of_nothing__reverts(booked):
    booked.rewards.set_rate(0, sender=booked.net.owner)
    epoch = booked.epoch
    booked.go(booked.close(epoch))
    with boa.reverts("rewards: nothing to claim"):
        booked.rewards.claim(1, epoch)


@pytest.mark.parametrize(("early", "pays"), [(1, True), (0, False)])
def test_claim__convicted_around_the_epochs_beginning(world, early, pays):
    """A conviction from the epoch's beginning on leaves nothing; one before it, all."""
    start = (world.epoch + 1) * net.REWARDS_EPOCH
    world.lock(GWEI, service=world.strict_service)
    world.go(start - early)
    world.convict(GWEI)
    assert world.staking.convicted_at(1) == start - early
    world.go(start + 1)
    world.earn(PAID)
    world.rewards.book(1)
    epoch = world.epoch
    world.go(world.close(epoch))
    if pays:
        assert world.gain(world.owners[0], lambda: world.rewards.claim(1, epoch)) == MINTED
        return
    with boa.reverts("rewards: operator was convicted"):
        world.rewards.claim(1, epoch)


def test_claim__convicted_while_it_vests__leaves_nothing_of_any_epoch(booked):
    epoch = booked.epoch
    vests_at = booked.close(epoch)
    booked.go(vests_at - 1)
    booked.lock(GWEI, service=booked.strict_service)
    booked.convict(GWEI)
    booked.go(vests_at)
    with boa.reverts("rewards: operator was convicted"):
        booked.rewards.claim(1, epoch)


def test_claim__convicted_then_left_the_service__is_remembered(booked):
    """Ending the opt-in does not wash the record away, and neither does opting in anew."""
    epoch, owner = booked.epoch, booked.owners[0]
    vests_at = booked.close(epoch)
    booked.lock(GWEI, service=booked.strict_service)
    booked.convict(GWEI)
    convicted_at = booked.staking.convicted_at(1)
    booked.staking.leave(1, booked.strict_service, sender=owner)
    booked.wait(14 * DAY)
    booked.staking.release_standing(1, booked.strict_service)
    booked.staking.opt_in(1, booked.strict_service, 2**64 - 1, sender=owner)
    assert booked.staking.convicted_at(1) == convicted_at
    opt_in = booked.staking.opt_in_of(1, booked.strict_service)
    assert opt_in.convicted_at == convicted_at
    booked.strict_service.forfeit(1)
    assert booked.staking.convicted_at(1) == convicted_at
    booked.go(vests_at)
    with boa.reverts("rewards: operator was convicted"):
        booked.rewards.claim(1, epoch)


def test_convicted_at__two_services__is_the_later(world):
    assert world.staking.convicted_at(1) == 0
    for service in world.services:
        world.lock(GWEI, service=service)
        world.wait(10)
        world.convict(GWEI, service=service)
    assert world.staking.convicted_at(1) == world.now
    assert world.staking.convicted_at(2) == 0


def test_book__late__counts_in_the_epoch_of_the_burning(world):
    """Putting the division off moves the emission with the burning: it never precedes it."""
    world.earn(PAID)
    first = world.epoch
    world.wait(3 * net.REWARDS_EPOCH)
    world.rewards.book(1)
    assert world.rewards.burnt_of(first, 1) == 0
    assert world.rewards.burnt_of(world.epoch, 1) == BURNT


def test_mint__nobody_but_rewards__ever(world):
    for sender in (world.net.owner, world.stranger, world.owners[0], world.escrow.address):
        with boa.reverts("erc20: access is denied"):
            world.token.mint(sender, 1, sender=sender)
    with boa.reverts("token: minter is bound, or not the deployer"):
        world.token.bind_minter(world.net.owner, sender=world.net.owner)
