"""Leaving a pool: shares count no longer, stay slashable, and are paid when no lock needs them."""

import boa
import pytest

from tests.contracts.economy_world import STAKE, STANDING, EconomyWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, GWEI, NO_PERMIT, TOKEN

TOO_EARLY = "delegation: too early"


@pytest.fixture
def backed(world: EconomyWorld) -> EconomyWorld:
    return world.back(3_000, 1_000)


def test_undelegate__votes_and_weight__are_gone_in_the_same_call(backed):
    backed.wait(10)
    left_at = backed.now
    backed.undelegate(0)
    assert backed.staking.operator(1).weights.now == STAKE + 1_000
    backed.wait(1)
    assert backed.staking.votes_at(1, left_at - 1) == (STAKE + 4_000) * GWEI
    assert backed.staking.votes_at(1, left_at) == (STAKE + 1_000) * GWEI
    assert backed.delegation.delegated(1) == (4_000 * GWEI, 1_000 * GWEI)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_withdraw__around_its_maturity(backed, late):
    matures_at = backed.undelegate(0)
    assert matures_at == backed.now + net.UNBONDING
    backed.go(matures_at + late)
    if late < 0:
        with boa.reverts(TOO_EARLY):
            backed.withdraw(0)
        return
    assert backed.withdraw(0) == 3_000 * TOKEN
    assert tuple(backed.position(0)) == (0, 0, 0, 0)
    with boa.reverts("delegation: nothing exits"):
        backed.withdraw(0)


def test_undelegate__more_shares_than_there_are_or_none__reverts(backed):
    for shares in (0, 3_000 * GWEI + 1):
        with boa.reverts("delegation: no such shares"):
            backed.undelegate(0, shares)
    with boa.reverts("delegation: no such shares"):
        backed.undelegate(2, 1)


def test_undelegate__again__makes_all_that_exits_wait_anew(backed):
    first = backed.undelegate(0, 1_000 * GWEI)
    backed.go(first - 1)
    second = backed.undelegate(0, 1 * GWEI)
    backed.go(second - 1)
    with boa.reverts(TOO_EARLY):
        backed.withdraw(0)
    backed.go(second)
    assert backed.withdraw(0) == 1_001 * TOKEN


def test_set_unbonding__while_shares_exit__changes_nothing_for_them(backed):
    matures_at = backed.undelegate(0)
    backed.staking.set_unbonding(100 * DAY, sender=backed.net.owner)
    backed.go(matures_at)
    assert backed.withdraw(0) == 3_000 * TOKEN


def test_undelegate__before_a_slash__is_slashed_all_the_same(backed):
    """Whoever sees the slash coming cannot run: both lose the same part."""
    backed.lock((STAKE + 2_000) * GWEI - 2 * STANDING * GWEI)
    backed.undelegate(0)
    backed.burn((STAKE + 2_000) * GWEI - 2 * STANDING * GWEI)
    assert backed.assets() == (4_000 - 2_000 + STANDING) * GWEI
    backed.go(backed.undelegate(1))
    left = 4_000 - 2_000 + STANDING
    assert backed.withdraw(0) == left * TOKEN * 3 // 4
    # The bond that own stake no longer covers is held back, and nothing else is.
    loose = backed.withdraw(1)
    assert left * TOKEN // 4 - STANDING * TOKEN - loose in (0, GWEI)
    backed.staking.stake(1, STANDING * TOKEN, NO_PERMIT, sender=backed.stranger)
    assert loose + backed.withdraw(1) == left * TOKEN // 4


def test_withdraw__while_a_job_holds_it__waits_for_the_job(backed):
    amount = (STAKE + 3_500) * GWEI
    backed.lock(amount)
    backed.go(backed.undelegate(0))
    loose = 500 - 2 * STANDING
    assert backed.withdraw(0) == loose * TOKEN
    with boa.reverts("delegation: still locked"):
        backed.withdraw(0)
    backed.release(amount)
    assert backed.withdraw(0) == (3_000 - loose) * TOKEN


def test_withdraw__what_is_left_is_just_what_is_locked__is_paid(backed):
    backed.lock((STAKE + 1_000 - 2 * STANDING) * GWEI)
    backed.go(backed.undelegate(0))
    backed.withdraw(0)
    assert backed.staking.locked_of(1) == backed.staking.stake_of(1) + backed.assets()


def test_withdraw__a_gwei_more_is_locked__stays_behind(backed):
    backed.lock((STAKE + 1_000 - 2 * STANDING) * GWEI + 1)
    backed.go(backed.undelegate(0))
    assert backed.withdraw(0) == 3_000 * TOKEN - GWEI
    assert tuple(backed.position(0))[:2] == (0, 1)
    assert backed.staking.locked_of(1) == backed.staking.stake_of(1) + backed.assets()


def test_lock__exiting_shares__back_nothing_new(backed):
    backed.undelegate(0)
    room = (STAKE + 1_000 - 2 * STANDING) * GWEI
    with boa.reverts("staking: not enough free stake"):
        backed.lock(room + 1)
    backed.lock(room)


def test_staking_withdraw__operators_own__never_below_what_delegators_do_not_cover(backed):
    """The owner leaves as far as delegated stake covers the open jobs, and no further."""
    backed.lock((STAKE - 1_000) * GWEI)
    backed.staking.unstake(1, 9_000 * TOKEN, sender=backed.owners[0])
    backed.wait(net.UNBONDING)
    paid = backed.gain(
        backed.owners[0], lambda: backed.staking.withdraw(1, sender=backed.owners[0])
    )
    assert paid == (1_000 + 4_000 - 2 * STANDING) * TOKEN
    assert backed.staking.locked_of(1) == backed.staking.stake_of(1) + backed.assets()


def test_staking_withdraw__own_stake_that_is_locked_alone__stays(backed):
    backed.lock(6_000 * GWEI, service=backed.strict_service)
    backed.staking.unstake(1, 9_000 * TOKEN, sender=backed.owners[0])
    backed.wait(net.UNBONDING)
    paid = backed.gain(
        backed.owners[0], lambda: backed.staking.withdraw(1, sender=backed.owners[0])
    )
    assert paid == (STAKE - 6_000 - STANDING) * TOKEN
