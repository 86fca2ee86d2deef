"""convict and award: where the stake of somebody convicted goes."""

import ape
import pytest

from tests.contracts.conftest import (
    GWEI,
    STAKE,
    STANDING,
    ZERO,
    settled,
)

STAKED = STAKE // GWEI
BOND = 100 * GWEI  # gwei


@pytest.fixture
def prover(accounts):
    """Somebody who holds no tokens."""
    return accounts[9]


@pytest.fixture
def locked(joined, services, workers, stranger, now):
    """Operator 1 has a bond locked by the first service."""
    services[0].lock(workers[0], BOND, now(), sender=stranger)


@pytest.fixture
def convict(services, prover, requester, stranger):
    def _convict(amount=BOND, to=prover, payer=requester, operator=1):
        return services[0].convict(operator, amount, to, payer, sender=stranger)

    return _convict


@pytest.mark.parametrize("amount", [BOND, 1, 2, 4, 5, 9, 10, 99, BOND - 1])
def test_convict__half_and_odd_gwei_burnt(
    convict, staking, token, services, locked, prover, requester, amount
):
    before = [token.balanceOf(who) for who in (prover, requester, staking)]
    supply = token.totalSupply()

    receipt = convict(amount)

    bounty, repaid = amount * 2 // 5, amount // 10
    after = [token.balanceOf(who) for who in (prover, requester, staking)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [
        bounty * GWEI,
        repaid * GWEI,
        -amount * GWEI,
    ]
    assert supply - token.totalSupply() == (amount - bounty - repaid) * GWEI
    assert 2 * (amount - bounty - repaid) >= amount
    assert staking.operator(1).stake == STAKED - amount
    assert staking.lane(1, services[0]) == STANDING + BOND - amount
    (log,) = receipt.decode_logs(staking.StakeConvicted)
    assert (log.id, log.service) == (1, services[0])
    assert (log.amount, log.bounty, log.repaid) == (amount, bounty, repaid)
    (told,) = receipt.decode_logs(services[0].Convicted)
    assert told.bounty == bounty


def test_convict__no_payer__burns_its_part(convict, token, locked):
    supply = token.totalSupply()

    convict(payer=ZERO)

    assert supply - token.totalSupply() == BOND * 3 // 5 * GWEI


def test_convict__no_prover__keeps_the_bounty_for_the_service(
    convict, staking, token, services, locked, prover, stranger
):
    convict(to=ZERO)
    bounty = BOND * 2 // 5
    assert staking.kept_for(services[0]) == bounty
    with ape.reverts("staking: bounty not kept"):
        services[1].award(prover, 1, sender=stranger)
    with ape.reverts("staking: bounty not kept"):
        services[0].award(prover, bounty + 1, sender=stranger)

    services[0].award(prover, bounty, sender=stranger)

    assert staking.kept_for(services[0]) == 0
    assert token.balanceOf(prover) == bounty * GWEI
    with ape.reverts("staking: bounty not kept"):
        services[0].award(prover, 1, sender=stranger)


def test_convict__votes_and_weight_fall_in_the_same_call(convict, staking, locked, stranger, wait):
    staking.sync_votes(1, sender=stranger)
    wait(1)  # in the same second an estimate sees the checkpoint rewritten, which costs less
    before = staking.operator(1).weights.now

    receipt = convict()
    wait(1)

    assert staking.operator(1).weights.now == before - 100
    assert staking.votes_at(1, receipt.timestamp) == STAKED - BOND


def test_convict__exits_first_the_free_then_the_oldest(convict, staking, locked, operators):
    staking.unstake(1, STAKE, sender=operators[0])

    convict()

    assert staking.operator(1).stake == staking.operator(1).exiting == STAKED - BOND
    assert staking.exits_of(1)[0].amount == STAKED - BOND


def test_convict__more_than_is_locked__reverts(convict, locked):
    with ape.reverts("staking: lane holds less"):
        convict(BOND + STANDING + 1)


def test_convict__what_another_service_locked__reverts(services, locked, prover, stranger):
    with ape.reverts("staking: lane holds less"):
        services[1].convict(1, BOND, prover, ZERO, sender=stranger)


def test_convict__retired_service__still_can(convict, staking, services, locked, owner):
    staking.retire_service(services[0], sender=owner)

    convict()

    assert staking.operator(1).stake == STAKED - BOND


@pytest.mark.parametrize("call", ["convict", "award"])
def test_calls__not_a_service__revert(staking, joined, stranger, prover, call):
    if call == "convict":
        with ape.reverts("staking: not a service"):
            staking.convict(1, 1, prover, ZERO, sender=stranger)
    else:
        with ape.reverts("staking: bounty not kept"):
            staking.award(prover, 1, sender=stranger)


def test_settle__after_a_conviction__releases_the_rest(
    convict, staking, services, locked, stranger
):
    convict(BOND // 4)

    services[0].settle([settled(1, BOND - BOND // 4)], sender=stranger)

    assert staking.lane(1, services[0]) == STANDING
