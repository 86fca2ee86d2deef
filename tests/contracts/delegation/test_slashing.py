"""Who loses first: the operator's own stake, its exits, then those who delegated to it."""

import boa
import pytest

from tests.contracts.economy_world import STAKE, STANDING, EconomyWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import GWEI, NO_PERMIT, TOKEN

NO_ROOM = "staking: not enough free stake"
FREE = STAKE - 2 * STANDING  # tokens of its own that an operator may lock


@pytest.fixture
def backed(world: EconomyWorld) -> EconomyWorld:
    return world.back(6_000, 2_000)


def test_lock__own_and_delegated__to_the_last_gwei(backed):
    with boa.reverts(NO_ROOM):
        backed.lock((FREE + 8_000) * GWEI + 1)
    backed.lock((FREE + 8_000) * GWEI)


def test_lock__delegated_beyond_the_leverage__backs_nothing(backed):
    backed.delegate(2, 50_000 * TOKEN)
    with boa.reverts(NO_ROOM):
        backed.lock((FREE + STAKE) * GWEI + 1)
    backed.lock((FREE + STAKE) * GWEI)


def test_lock__leverage_of_one__is_own_stake_only(backed):
    backed.staking.set_leverage(1, sender=backed.net.owner)
    with boa.reverts(NO_ROOM):
        backed.lock(FREE * GWEI + 1)
    backed.lock(FREE * GWEI)


def test_lock__of_a_service_that_needs_own_stake__takes_no_delegated(backed):
    strict = backed.strict_service
    with boa.reverts(NO_ROOM):
        backed.lock((FREE + STANDING) * GWEI + 1, service=strict)
    backed.lock((FREE + STANDING) * GWEI, service=strict)  # the other bond moves to delegators
    backed.lock(1_000 * GWEI)


def test_lock__own_exits__count_for_neither(backed):
    backed.staking.unstake(1, 6_000 * TOKEN, sender=backed.owners[0])
    with boa.reverts(NO_ROOM):
        backed.lock((4_000 - STANDING) * GWEI + 1, service=backed.strict_service)
    with boa.reverts(NO_ROOM):
        backed.lock((2 * 4_000 - 2 * STANDING) * GWEI + 1)
    backed.lock((2 * 4_000 - 2 * STANDING) * GWEI)


def test_settle__burn_within_own_stake__leaves_delegators_alone(backed):
    supply = backed.token.totalSupply()
    backed.lock(FREE * GWEI)
    backed.burn(FREE * GWEI)
    assert supply - backed.token.totalSupply() == FREE * TOKEN
    assert backed.assets() == 8_000 * GWEI
    assert backed.staking.stake_of(1) == 2 * STANDING * GWEI


def test_settle__burn_beyond_own_stake__takes_exits_then_the_pool(backed):
    """The strict service's bond is own stake, and stays; the rest of the burn is the pool's."""
    backed.lock((FREE + 8_000) * GWEI)
    backed.staking.unstake(1, 4_000 * TOKEN, sender=backed.owners[0])
    supply = backed.token.totalSupply()
    backed.burn(6_000 * GWEI)
    assert (backed.staking.stake_of(1), backed.assets()) == (4_000 * GWEI, 8_000 * GWEI)
    assert backed.staking.operator(1).exiting == 4_000 * GWEI
    backed.burn(3_000 * GWEI)
    assert (backed.staking.stake_of(1), backed.assets()) == (1_000 * GWEI, 8_000 * GWEI)
    assert backed.staking.operator(1).exiting == 1_000 * GWEI
    backed.burn(5_000 * GWEI)
    own, rest = STANDING * GWEI, (8_000 - 4_000 - STANDING) * GWEI
    assert (backed.staking.stake_of(1), backed.assets()) == (own, rest)
    assert supply - backed.token.totalSupply() == 14_000 * TOKEN
    assert backed.token.balanceOf(backed.delegation) == rest * GWEI


def test_settle__burn__keeps_what_needs_own_stake_and_takes_the_pool_instead(backed):
    backed.lock(7_000 * GWEI, service=backed.strict_service)
    backed.lock(6_000 * GWEI)
    backed.burn(6_000 * GWEI)
    own = (7_000 + STANDING) * GWEI
    assert backed.staking.stake_of(1) == own
    assert backed.assets() == (8_000 - (6_000 - (STAKE - 7_000 - STANDING))) * GWEI
    backed.convict(7_000 * GWEI)
    assert backed.staking.stake_of(1) == STANDING * GWEI


def test_settle__burn_of_the_pool__lowers_votes_and_weight_at_once(backed):
    backed.lock((FREE + 8_000) * GWEI)
    backed.wait(1)
    backed.burn((FREE + 4_000) * GWEI)
    own, left = STANDING, 4_000 + STANDING
    assert backed.staking.operator(1).weights.now == 0  # its own is below the minimum
    backed.wait(1)
    assert backed.staking.votes_at(1, backed.now - 1) == (own + left) * GWEI


def test_convict__pays_out_of_the_operators_own_part_only(backed):
    """Delegators' part is burnt whole: no operator can turn what they gave into a bounty."""
    backed.lock((FREE + 8_000) * GWEI)
    prover, payer = backed.stranger, backed.payer
    before = [backed.token.balanceOf(account) for account in (prover, payer)]
    supply = backed.token.totalSupply()
    amount = (FREE + 8_000) * GWEI
    backed.convict(amount, service=backed.open_service)
    own = (STAKE - STANDING) * GWEI
    gains = [backed.token.balanceOf(a) - b for a, b in zip((prover, payer), before, strict=True)]
    assert gains == [own * 2 // 5 * GWEI, own // 10 * GWEI]
    assert supply - backed.token.totalSupply() == amount * GWEI - sum(gains)
    assert backed.assets() == 8_000 * GWEI - (amount - own)


def test_forfeit__bond_that_own_stake_no_longer_covers__is_the_pools(backed):
    backed.lock((FREE + 1_000) * GWEI)
    backed.burn((FREE + 1_000) * GWEI)
    assert backed.staking.stake_of(1) == STANDING * GWEI
    before = backed.assets()
    backed.open_service.forfeit(1)
    assert backed.staking.stake_of(1) == STANDING * GWEI
    assert before - backed.assets() == STANDING * GWEI


def test_opt_in__bond__is_locked_out_of_own_stake(backed):
    backed.open_service.forfeit(1)
    backed.lock((STAKE - 2 * STANDING) * GWEI, service=backed.strict_service)
    backed.staking.opt_in(1, backed.strict_service, 2**64 - 1, sender=backed.owners[0])
    with boa.reverts(NO_ROOM):
        backed.staking.opt_in(1, backed.open_service, 2**64 - 1, sender=backed.owners[0])


def test_slash__any_number_of_delegators__costs_the_same(backed):
    spent = []
    for number in (2, 12):
        with boa.env.anchor():
            for index in range(2, number):
                account = boa.env.generate_address(f"delegator {index}")
                net.fund(backed.net, account, TOKEN)
                backed.delegation.delegate(1, TOKEN, 0, NO_PERMIT, sender=account)
            backed.delegation.slash(1, GWEI, sender=backed.staking.address)
            spent.append(backed.delegation._computation.get_gas_used())
    assert spent[1] - spent[0] in range(-100, 100)  # a byte of calldata or of a word more or less
    assert max(spent) < 60_000


def test_slash__to_nothing__ends_the_generation_and_the_next_starts_clean(backed):
    backed.earn(100 * TOKEN)
    backed.pay_out()
    owed = backed.delegation.claimable(1, backed.delegators[0])
    backed.undelegate(0, 1_000 * GWEI)
    slash_all(backed)
    for who in (0, 1):
        with boa.reverts("delegation: no such shares"):
            backed.undelegate(who, 1)
    backed.wait(30 * 86_400)
    with boa.reverts("delegation: nothing exits"):
        backed.withdraw(0)
    assert backed.delegation.delegated(1) == (0, 0)

    assert backed.delegate(1, 10 * TOKEN) == 10 * GWEI  # whose old shares are gone for good
    assert tuple(backed.position(1)) == (10 * GWEI, 0, 0, 1)
    assert tuple(backed.delegation.pool(1)) == (10 * GWEI, 1, 10 * GWEI, 0)
    with boa.reverts("delegation: nothing exits"):
        backed.withdraw(0)
    with boa.reverts("delegation: no such shares"):
        backed.undelegate(0, 1)
    assert backed.claim(0) == owed  # what was earned before the slash is theirs


def test_slash__dead_generation__earns_nothing_of_the_next(backed):
    slash_all(backed)
    backed.delegate(2, 10 * TOKEN)
    backed.earn(100 * TOKEN)
    backed.pay_out()
    for who in (0, 1):
        with boa.reverts("delegation: nothing to claim"):
            backed.claim(who)
    assert backed.claim(2) > 0


@pytest.mark.parametrize("newcomer", [0, 2], ids=["was in the dead one", "was in none"])
def test_delegate__to_a_later_generation__gets_nothing_that_it_earned_before(backed, newcomer):
    slash_all(backed)
    backed.delegate(1, 10 * TOKEN)
    backed.earn(100 * TOKEN)
    backed.pay_out()
    backed.delegate(newcomer, 1_000 * TOKEN)
    assert backed.delegation.claimable(1, backed.delegators[newcomer]) == 0
    with boa.reverts("delegation: nothing to claim"):
        backed.claim(newcomer)
    assert backed.claim(1) > 0


def test_slash__dead_pool__earns_nothing_and_weighs_nothing(backed):
    slash_all(backed)
    backed.staking.sync_votes(1)
    assert backed.staking.operator(1).weights.now == STAKE
    backed.earn(100 * TOKEN)
    owner = backed.owners[0]
    assert backed.gain(owner, backed.pay_out) == 100 * TOKEN * 975 // 1_000


def slash_all(world: EconomyWorld) -> None:
    """Slash all of pool 1 as Staking does."""
    world.delegation.slash(1, world.assets(), sender=world.staking.address)
