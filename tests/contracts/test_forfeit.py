"""forfeit: the standing bond burns once, and nothing else that is locked goes with it."""

import ape
import pytest

from tests.contracts.conftest import (
    GRACE,
    GWEI,
    MAX_LOCK,
    NO_LIMIT,
    STAKE,
    STANDING,
    TOKEN,
    UNBONDING,
    ZERO,
    settled,
)

STAKED = STAKE // GWEI
JOB = 100 * GWEI  # gwei that a job locks


@pytest.fixture
def forfeit(services, stranger):
    """Let a service forfeit an operator's bond; return the receipt."""
    return lambda operator=1, service=0: services[service].forfeit(operator, sender=stranger)


@pytest.fixture
def burnt(services):
    """Read from a receipt what Staking told the service."""

    def read(receipt) -> int:
        (event,) = receipt.decode_logs(services[0].Forfeited)
        return event.amount

    return read


@pytest.fixture
def lock(services, workers, stranger, now):
    return lambda amount=JOB: services[0].lock(workers[0], amount, now(), sender=stranger)


@pytest.fixture
def settle(services, stranger):
    return lambda *items: services[0].settle(items, sender=stranger)


def test_forfeit__burns_the_bond_and_ends_the_opt_in(
    staking, token, joined, services, forfeit, burnt
):
    supply = token.totalSupply()

    receipt = forfeit()

    assert burnt(receipt) == STANDING
    assert supply - token.totalSupply() == STANDING * GWEI
    assert staking.operator(1).stake == STAKED - STANDING
    assert staking.lane(1, services[0]) == 0
    assert tuple(staking.opt_in_of(1, services[0])) == (0, 0, 0, 0)
    assert receipt.decode_logs(staking.StandingForfeited) == [
        staking.StandingForfeited(id=1, service=services[0], amount=STANDING)
    ]
    assert token.Transfer(sender=staking, receiver=ZERO, value=STANDING * GWEI) in receipt.events


def test_forfeit__others_and_other_lanes__keep_theirs(staking, joined, services, forfeit):
    forfeit()

    assert staking.lane(1, services[1]) == STANDING
    assert tuple(staking.opt_in_of(1, services[1])) == (NO_LIMIT, STANDING, 0, 0)
    assert [staking.lane(2, service) for service in services] == [STANDING, STANDING]
    assert staking.operator(2).stake == STAKED


def test_forfeit__twice__burns_once(staking, token, joined, forfeit, burnt, lock):
    lock()
    forfeit()
    supply = token.totalSupply()

    receipt = forfeit()

    assert burnt(receipt) == 0
    assert token.totalSupply() == supply
    assert not receipt.decode_logs(staking.StandingForfeited)


def test_forfeit__never_joined__burns_nothing(staking, staked, forfeit, burnt):
    assert burnt(forfeit()) == 0
    assert staking.operator(1).stake == STAKED


def test_forfeit__by_no_service__reverts(staking, joined, stranger, owner, operators):
    for caller in (stranger, owner, operators[0]):
        with ape.reverts("staking: not a service"):
            staking.forfeit(1, sender=caller)


def test_forfeit__job_open__its_lock_stays_and_settles(
    staking, joined, services, forfeit, lock, settle
):
    lock()

    forfeit()

    assert staking.lane(1, services[0]) == staking.locked_of(1) - STANDING == JOB
    with ape.reverts("staking: lane holds less"):
        settle(settled(1, JOB + 1))
    settle(settled(1, JOB - 40, burnt=40))
    assert staking.lane(1, services[0]) == 0
    assert staking.operator(1).stake == STAKED - STANDING - 40


def test_forfeit__service_settled_more_than_it_locked__burns_what_is_left(
    staking, joined, services, forfeit, settle, burnt
):
    settle(settled(1, 40))

    assert burnt(forfeit()) == STANDING - 40
    assert staking.lane(1, services[0]) == 0


def test_forfeit__then_a_new_lock__reverts_until_another_bond_is_locked(
    staking, joined, services, operators, forfeit, lock, burnt
):
    lock()
    forfeit()
    with ape.reverts("staking: operator not opted in"):
        lock()

    staking.opt_in(1, services[0], NO_LIMIT, sender=operators[0])

    assert staking.lane(1, services[0]) == STANDING + JOB
    lock()
    assert burnt(forfeit()) == STANDING
    assert staking.lane(1, services[0]) == 2 * JOB


def test_forfeit__after_leaving__before_the_release(
    staking, joined, services, operators, stranger, forfeit, burnt, wait
):
    staking.leave(1, services[0], sender=operators[0])
    wait(MAX_LOCK - 10)

    assert burnt(forfeit()) == STANDING

    wait(10)
    with ape.reverts("staking: service not left"):
        staking.release_standing(1, services[0], sender=stranger)


def test_forfeit__after_the_release__burns_nothing(
    staking, joined, services, operators, stranger, forfeit, burnt, wait, lock, settle
):
    lock()
    staking.leave(1, services[0], sender=operators[0])
    wait(MAX_LOCK)
    settle(settled(1, JOB))
    staking.release_standing(1, services[0], sender=stranger)

    assert burnt(forfeit()) == 0
    assert staking.operator(1).stake == STAKED


def test_release_standing__forfeited__reverts(staking, joined, services, operators, forfeit):
    forfeit()

    with ape.reverts("staking: service not left"):
        staking.release_standing(1, services[0], sender=operators[0])
    with ape.reverts("staking: service not joined"):
        staking.leave(1, services[0], sender=operators[0])


def test_void__forfeited__frees_what_is_left_of_the_lane(
    staking, joined, services, owner, stranger, forfeit, lock, wait
):
    lock()
    staking.retire_service(services[0], sender=owner)
    forfeit()
    wait(MAX_LOCK + GRACE)

    receipt = staking.void(services[0], 1, sender=stranger)

    assert receipt.events == [staking.LaneVoided(id=1, service=services[0], amount=JOB)]
    assert staking.operator(1).stake == STAKED - STANDING


def test_forfeit__lowers_votes_in_the_same_call(staking, joined, forfeit, stranger, wait):
    staking.sync_votes(1, sender=stranger)
    wait(1)  # in the same second an estimate sees the checkpoint rewritten, which costs less

    receipt = forfeit()

    assert staking.VotesChanged(id=1, votes=STAKED - STANDING) in receipt.events


def test_forfeit__all_stake_leaves__burns_out_of_the_queue(
    staking, joined, operators, forfeit, wait
):
    staking.unstake(1, STAKE, sender=operators[0])

    forfeit()

    assert [exit.amount for exit in staking.exits_of(1)] == [STAKED - STANDING]
    assert staking.operator(1).exiting == staking.operator(1).stake == STAKED - STANDING
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    assert staking.operator(1).stake == STANDING  # the other service's bond


def test_forfeit__below_the_minimum__weighs_nothing(staking, staked, operators, services, forfeit):
    staking.unstake(1, STAKE - 1_000 * TOKEN, sender=operators[0])
    staking.opt_in(1, services[0], NO_LIMIT, sender=operators[0])
    assert staking.operator(1).weights.now == 1_000

    forfeit()

    assert staking.operator(1).weights.now == 0
