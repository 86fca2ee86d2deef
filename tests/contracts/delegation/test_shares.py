"""Shares of a pool: what they cost, and that no gift, rounding or newcomer takes from others."""

import boa
import pytest
from eth_account import Account

from tests.contracts.economy_world import STAKE, EconomyWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import GWEI, NO_PERMIT, TOKEN

LEAST = TOKEN


def test_delegate__first__a_share_for_each_gwei_and_logs(world: EconomyWorld):
    before = world.token.balanceOf(world.delegators[0])
    assert world.delegate(0, 7 * TOKEN) == 7 * GWEI

    (logged,) = [log for log in world.delegation.get_logs() if type(log).__name__ == "Delegated"]
    assert tuple(logged)[1:] == (1, world.delegators[0], 7 * GWEI, 7 * GWEI)
    assert before - world.token.balanceOf(world.delegators[0]) == 7 * TOKEN
    assert world.token.balanceOf(world.delegation) == 7 * TOKEN
    assert tuple(world.delegation.pool(1)) == (7 * GWEI, 0, 7 * GWEI, 0)
    assert tuple(world.position(0)) == (7 * GWEI, 0, 0, 0)


@pytest.mark.parametrize("amount", [0, LEAST - GWEI, LEAST + 1])
def test_delegate__less_than_a_token_or_parts_of_a_gwei__reverts(world, amount):
    with boa.reverts("delegation: less than a token, or not whole gwei"):
        world.delegate(0, amount)


def test_delegate__a_pool_that_is_not_open__reverts(world):
    for operator in (2, 3):
        with boa.reverts("delegation: pool is not open"):
            world.delegate(0, LEAST, operator)


def test_delegate__more_than_approved__reverts(world):
    world.token.approve(world.delegation, LEAST - 1, sender=world.delegators[0])
    with boa.reverts("erc20: insufficient allowance"):
        world.delegate(0, LEAST)


def test_delegate__by_permit__needs_no_allowance(world):
    key = Account.from_key(bytes([9] * 32))
    world.token.transfer(key.address, LEAST, sender=world.net.owner)
    signed = net.permit(world.token, key, world.delegation.address, LEAST)
    permit = (net.FOREVER, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
    assert world.delegation.delegate(1, LEAST, GWEI, permit, sender=key.address) == GWEI


def test_delegate__after_a_slash__buys_more_shares_for_the_same(world):
    world.delegate(0, 100 * TOKEN)
    slash_pool(world, 50 * GWEI)
    assert world.delegate(1, 100 * TOKEN, least=200 * GWEI) == 200 * GWEI
    with boa.reverts("delegation: too few shares"):
        world.delegate(2, 100 * TOKEN, least=200 * GWEI + 1)


def test_delegate__others_gain_nothing_by_a_gift_to_the_vault(world):
    """A plain transfer to the vault makes no share dearer: the first cannot rob the second."""
    world.delegate(0, LEAST)
    world.token.transfer(world.delegation, 10**6 * TOKEN, sender=world.net.owner)
    assert world.delegate(1, LEAST) == GWEI
    world.undelegate(0)
    world.go(world.undelegate(1))
    assert (world.withdraw(0), world.withdraw(1)) == (LEAST, LEAST)


def test_delegate__first_depositor_who_left_one_share__takes_at_most_a_gwei(world):
    """The classic attack: keep one share, make it dear, let others round to nothing."""
    world.delegate(0, LEAST)
    slash_pool(world, GWEI // 3)
    world.go(world.undelegate(0, GWEI - 1))
    world.withdraw(0)
    pool = world.delegation.pool(1)
    assert pool.shares == 1 and pool.assets <= 2
    world.delegate(1, LEAST)
    world.go(world.undelegate(1))
    assert LEAST - world.withdraw(1) <= 2 * GWEI


def test_delegate__any_rounding__is_at_the_callers_cost(world):
    world.delegate(0, 3 * TOKEN)
    slash_pool(world, GWEI + 1)
    before = worth(world, 0)
    world.delegate(1, 10 * TOKEN + GWEI)
    assert worth(world, 1) in (10 * GWEI, 10 * GWEI + 1)
    assert worth(world, 0) - before in (0, 1)
    assert worth(world, 0) + worth(world, 1) <= world.assets()


def test_delegate__raises_weight_and_votes_when_somebody_syncs(world):
    world.delegate(0, 5_000 * TOKEN)
    assert world.staking.operator(1).weights.now == STAKE
    world.staking.sync_votes(1, sender=world.stranger)
    assert world.staking.operator(1).weights.now == STAKE + 5_000
    world.wait(1)
    assert world.staking.votes_at(1, world.now - 1) == (STAKE + 5_000) * GWEI


def test_weight__stops_at_the_leverage__votes_do_not(world):
    world.delegate(0, 3 * STAKE * TOKEN)
    world.staking.sync_votes(1)
    assert world.staking.operator(1).weights.now == net.LEVERAGE * STAKE
    world.wait(1)
    assert world.staking.votes_at(1, world.now - 1) == 4 * STAKE * GWEI


def test_set_leverage__one__leaves_delegated_stake_without_weight(world):
    world.delegate(0, 5_000 * TOKEN)
    world.staking.set_leverage(1, sender=world.net.owner)
    world.staking.sync_votes(1)
    assert (world.staking.leverage(), world.staking.operator(1).weights.now) == (1, STAKE)
    for bad in (0, 11):
        with boa.reverts("staking: leverage out of bounds"):
            world.staking.set_leverage(bad, sender=world.net.owner)
    with boa.reverts("ownable: caller is not the owner"):
        world.staking.set_leverage(2, sender=world.stranger)


def test_weight__own_stake_below_the_minimum__is_nothing(world):
    """An operator that left has no weight by what others left with it; what it had is theirs."""
    world.delegate(0, 5_000 * TOKEN)
    world.staking.sync_votes(1)
    world.staking.leave(1, world.open_service, sender=world.owners[0])
    world.staking.leave(1, world.strict_service, sender=world.owners[0])
    world.staking.unstake(1, STAKE * TOKEN, sender=world.owners[0])
    assert world.staking.operator(1).weights.now == 0
    world.wait(net.UNBONDING)
    for service in world.services:
        world.staking.release_standing(1, service)
    world.staking.withdraw(1, sender=world.owners[0])
    assert (world.staking.stake_of(1), world.assets()) == (0, 5_000 * GWEI)
    world.earn(100 * TOKEN)
    world.pay_out()
    assert world.claim(0) == 100 * TOKEN * 975 // 1_000 * 9 // 10
    world.go(world.undelegate(0))
    assert world.withdraw(0) == 5_000 * TOKEN


def test_pool__emptied_by_all__goes_on_in_the_same_generation(world):
    world.delegate(0, LEAST)
    world.go(world.undelegate(0))
    world.withdraw(0)
    assert tuple(world.delegation.pool(1)) == (0, 0, 0, 0)
    assert world.delegate(1, LEAST) == GWEI
    assert world.delegation.pool(1).generation == 0


def test_delegate__shares_no_longer_fit__reverts(world):
    """A pool that was slashed to next to nothing cannot overflow: it takes no more."""
    world.delegate(0, 8_000 * TOKEN)
    slash_pool(world, 8_000 * GWEI - 1)
    with boa.reverts("delegation: pool is full"):
        world.delegate(1, 300_000 * TOKEN)


def test_open_pool__by_another__twice__or_too_dear__reverts(world):
    with boa.reverts("delegation: not the operator's owner"):
        world.delegation.open_pool(2, 0, sender=world.stranger)
    with boa.reverts("delegation: pool is open"):
        world.delegation.open_pool(1, 0, sender=world.owners[0])
    with boa.reverts("delegation: commission above 100 %"):
        world.delegation.open_pool(2, 10_001, sender=world.owners[1])
    world.delegation.open_pool(2, 10_000, sender=world.owners[1])
    assert world.staking.operator(2).pooled


def test_bind__again_or_by_another__reverts(world):
    for sender in (world.net.owner, world.stranger):
        with boa.reverts("delegation: bound, or not the deployer"):
            world.delegation.bind_rewards(world.stranger, sender=sender)
    fresh = net.contract("Delegation").deploy(world.token, world.staking, world.escrow)
    with boa.reverts("delegation: bound, or not the deployer"):
        fresh.bind_rewards(world.rewards, sender=world.stranger)


def test_vaults_calls__by_anyone_else__revert(world):
    for sender in (world.stranger, world.net.owner, world.owners[0]):
        with boa.reverts("delegation: not a payer"):
            world.delegation.credit(1, TOKEN, sender=sender)
        with boa.reverts("delegation: not Staking"):
            world.delegation.slash(1, 1, sender=sender)
        with boa.reverts("staking: not Delegation"):
            world.staking.pool(1, sender=sender)


def test_bind_delegation__once_staking_is_open__reverts(world):
    with boa.reverts("staking: genesis is sealed"):
        world.staking.bind_delegation(world.stranger, sender=world.net.owner)
    with boa.reverts("ownable: caller is not the owner"):
        world.staking.bind_delegation(world.stranger, sender=world.stranger)


def test_delegate__operator_id_zero__reverts(world):
    with boa.reverts("delegation: not the operator's owner"):
        world.delegation.open_pool(0, 0, sender=world.stranger)
    with boa.reverts("delegation: pool is not open"):
        world.delegation.delegate(0, LEAST, 0, NO_PERMIT, sender=world.delegators[0])


def worth(world: EconomyWorld, who: int) -> int:
    """Return what a delegator's shares that stay are worth, gwei."""
    pool = world.delegation.pool(1)
    return world.position(who).shares * pool.assets // pool.shares


def slash_pool(world: EconomyWorld, amount: int) -> None:
    """Slash `amount` gwei of pool 1 as Staking does."""
    world.delegation.slash(1, amount, sender=world.staking.address)
