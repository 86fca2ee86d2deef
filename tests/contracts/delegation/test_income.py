"""What pools earn: in proportion to stake, less the commission, to those who were there."""

import boa
import pytest

from tests.contracts.economy_world import COMMISSION, STAKE, EconomyWorld
from tests.contracts.stateful.network import DAY, GWEI, TOKEN

PAID = 1_000 * TOKEN
NET = PAID * 975 // 1_000  # without the fee
NOTICE = 7 * DAY


def part(delegated: int, commission: int = COMMISSION, amount: int = NET) -> int:
    """Return what all delegators of so many tokens get of an income, wei."""
    return amount * (10_000 - commission) // 10_000 * delegated // (STAKE + delegated)


def test_withdraw_operator__divides_by_stake_less_the_commission(world: EconomyWorld):
    world.delegate(0, 3_000 * TOKEN)
    world.delegate(1, 2_000 * TOKEN)
    world.earn(PAID)
    owner = world.gain(world.owners[0], world.pay_out)
    assert owner == NET - part(5_000)
    assert world.claim(0) in range(part(5_000) * 3 // 5 - 1, part(5_000) * 3 // 5 + 1)
    assert world.claim(1) in range(part(5_000) * 2 // 5 - 1, part(5_000) * 2 // 5 + 1)
    assert world.token.balanceOf(world.delegation) >= 5_000 * TOKEN


def test_withdraw_operator__no_pool__is_all_the_owners(world):
    world.earn(PAID, operator=2)
    assert world.gain(world.owners[1], lambda: world.pay_out(2)) == NET


def test_claim__nothing_earned_or_claimed_before__reverts(world):
    world.delegate(0, TOKEN)
    with boa.reverts("delegation: nothing to claim"):
        world.claim(0)
    world.earn(PAID)
    world.pay_out()
    expected = world.delegation.claimable(1, world.delegators[0])
    assert world.claim(0) == expected
    with boa.reverts("delegation: nothing to claim"):
        world.claim(0)
    with boa.reverts("delegation: nothing to claim"):
        world.claim(2)


def test_delegate__just_before_a_pay_out__gets_nothing_earned_before(world):
    """Newcomers are let in after what was earned is paid: there is nothing to run in front of."""
    world.delegate(0, 1_000 * TOKEN)
    world.earn(PAID)
    world.delegate(1, 100_000 * TOKEN)
    assert world.escrow.operator_credit(1, 0) == 0
    assert world.claim(0) == part(1_000)
    with boa.reverts("delegation: nothing to claim"):
        world.claim(1)


def test_delegate__more_by_the_same__earns_on_what_was_there(world):
    world.delegate(0, 1_000 * TOKEN)
    world.delegate(1, 1_000 * TOKEN)
    world.earn(PAID)
    world.delegate(0, 8_000 * TOKEN)
    assert world.claim(0) == world.claim(1) == part(2_000) // 2


def test_undelegate__what_was_earned_before__can_be_claimed_after(world):
    world.delegate(0, 1_000 * TOKEN)
    world.earn(PAID)
    world.pay_out()
    world.undelegate(0)
    world.earn(PAID)
    world.pay_out()  # nobody is left in the pool: the owner's
    assert world.claim(0) == part(1_000)


def test_undelegate__exiting_shares__earn_no_longer(world):
    world.delegate(0, 1_000 * TOKEN)
    world.delegate(1, 1_000 * TOKEN)
    world.undelegate(0)
    world.earn(PAID)
    world.pay_out()
    with boa.reverts("delegation: nothing to claim"):
        world.claim(0)
    assert world.claim(1) == part(1_000)


def test_credit__what_does_not_divide__is_carried_to_the_next(world):
    """Three thirds of many odd incomes lose less than a wei for each claim, not for each income."""
    for who in range(3):
        world.delegate(who, 1_000 * TOKEN)
    booked = 0
    for odd in (1, 2, 4, 5, 7):
        world.earn(10**6 + odd)
        before = world.token.balanceOf(world.delegation)
        world.pay_out()
        booked += world.token.balanceOf(world.delegation) - before
    claimed = sum(world.claim(who) for who in range(3))
    assert 0 <= booked - claimed <= 3


@pytest.mark.parametrize(("late", "commission"), [(-1, COMMISSION), (0, 5_000), (1, 5_000)])
def test_announce_commission__around_its_notice(world, late, commission):
    world.delegate(0, 1_000 * TOKEN)
    world.delegation.announce_commission(1, 5_000, sender=world.owners[0])
    binds_at = world.now + NOTICE
    assert world.delegation.commission_of(1) == (COMMISSION, 5_000, binds_at)
    world.go(binds_at + late)
    world.earn(PAID)
    world.pay_out()
    assert world.claim(0) == part(1_000, commission)


def test_announce_commission__again__starts_its_notice_anew(world):
    world.delegation.announce_commission(1, 9_000, sender=world.owners[0])
    world.wait(NOTICE - 1)
    world.delegation.announce_commission(1, 2_000, sender=world.owners[0])
    world.wait(NOTICE - 1)
    assert world.delegation.commission_of(1)[0] == COMMISSION
    world.wait(1)
    assert world.delegation.commission_of(1)[0] == 2_000
    world.delegation.announce_commission(1, 0, sender=world.owners[0])
    assert world.delegation.commission_of(1)[0] == 2_000


def test_announce_commission__not_the_owner__no_pool__or_too_high__reverts(world):
    with boa.reverts("delegation: not the operator's owner"):
        world.delegation.announce_commission(1, 1, sender=world.stranger)
    with boa.reverts("delegation: pool is not open"):
        world.delegation.announce_commission(2, 1, sender=world.owners[1])
    with boa.reverts("delegation: commission above 100 %"):
        world.delegation.announce_commission(1, 10_001, sender=world.owners[0])


def test_announce_commission__all__leaves_delegators_nothing(world):
    world.delegate(0, 1_000 * TOKEN)
    world.delegation.announce_commission(1, 10_000, sender=world.owners[0])
    world.wait(NOTICE)
    world.earn(PAID)
    assert world.gain(world.owners[0], world.pay_out) == NET
    with boa.reverts("delegation: nothing to claim"):
        world.claim(0)


def test_credit__after_a_slash__is_by_what_is_left(world):
    world.delegate(0, 4_000 * TOKEN)
    world.delegation.slash(1, 3_000 * GWEI, sender=world.staking.address)
    world.earn(PAID)
    world.pay_out()
    assert world.claim(0) in (part(1_000) - 1, part(1_000))
