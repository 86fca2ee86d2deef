"""Opt-ins, locks, settlements and the weights that a lock reports."""

import ape
import pytest

from tests.contracts.conftest import (
    DAY,
    EPOCH,
    GWEI,
    MAX_LOCK,
    NO_LIMIT,
    NO_PERMIT,
    STAKE,
    STANDING,
    TOKEN,
    UNBONDING,
    ZERO,
    settled,
)

STAKED = STAKE // GWEI


@pytest.fixture
def lock(services, stranger, workers, now):
    """Lock gwei of an operator's stake through a service."""

    def _lock(amount, service=0, operator=1, moment=None):
        moment = now() if moment is None else moment
        return services[service].lock(workers[operator - 1], amount, moment, sender=stranger)

    return _lock


@pytest.fixture
def settle(services, stranger):
    return lambda *items, service=0: services[service].settle(items, sender=stranger)


def weights(receipt, services):
    """Return the weights that the lock gave to the service."""
    (event,) = services[0].Locked.from_receipt(receipt)
    return event.weight, event.total


def test_opt_in__first_time__locks_the_bond(staking, staked, operators, services):
    receipt = staking.opt_in(1, services[0], 50 * GWEI, sender=operators[0])

    assert staking.lane(1, services[0]) == staking.locked_of(1) == STANDING
    assert tuple(staking.opt_in_of(1, services[0])) == (50 * GWEI, STANDING, 0, 0)
    assert receipt.events == [
        staking.ServiceJoined(id=1, service=services[0], ceiling=50 * GWEI, standing=STANDING)
    ]


def test_opt_in__again__moves_only_the_ceiling(staking, joined, operators, services):
    staking.opt_in(1, services[0], STANDING, sender=operators[0])
    assert tuple(staking.opt_in_of(1, services[0])) == (STANDING, STANDING, 0, 0)
    assert staking.lane(1, services[0]) == STANDING


def test_opt_in__with_all_stake_exiting__the_ceiling_still_moves(
    staking, joined, operators, services
):
    staking.unstake(1, STAKE, sender=operators[0])
    staking.opt_in(1, services[0], STANDING, sender=operators[0])


def test_opt_in__ceiling_below_the_bond__reverts(staking, staked, operators, services):
    for ceiling in (0, STANDING - 1):
        with ape.reverts("staking: ceiling below the bond"):
            staking.opt_in(1, services[0], ceiling, sender=operators[0])


def test_opt_in__bond_above_the_free_stake__reverts(staking, staked, operators, services):
    staking.unstake(1, STAKE, sender=operators[0])
    with ape.reverts("staking: not enough free stake"):
        staking.opt_in(1, services[0], NO_LIMIT, sender=operators[0])


def test_opt_in__by_another__reverts(staking, staked, operators, services):
    with ape.reverts("staking: not the operator's owner"):
        staking.opt_in(1, services[0], NO_LIMIT, sender=operators[1])


def test_opt_in__service_never_admitted__reverts(staking, staked, operators, new_service):
    with ape.reverts("staking: service not active"):
        staking.opt_in(1, new_service(), NO_LIMIT, sender=operators[0])


@pytest.mark.parametrize(("late", "free"), [(-1, False), (0, True), (1, True)])
def test_release_standing__around_max_lock__is_half_open(
    staking, joined, operators, stranger, services, now, at, late, free
):
    receipt = staking.leave(1, services[0], sender=operators[0])
    release_at = now() + MAX_LOCK
    assert receipt.events == [staking.ServiceLeft(id=1, service=services[0], release_at=release_at)]
    at(release_at + late)
    if not free:
        with ape.reverts("staking: bond not yet free"):
            staking.release_standing(1, services[0], sender=stranger)
        return
    receipt = staking.release_standing(1, services[0], sender=stranger)
    assert staking.lane(1, services[0]) == 0
    assert receipt.events == [staking.StandingReleased(id=1, service=services[0], amount=STANDING)]


def test_release_standing__a_job_is_unsettled__reverts(
    staking, joined, operators, services, lock, settle, wait
):
    lock(100)
    staking.leave(1, services[0], sender=operators[0])
    wait(MAX_LOCK)
    with ape.reverts("staking: a job is still locked"):
        staking.release_standing(1, services[0], sender=operators[0])
    settle(settled(1, 100))
    staking.release_standing(1, services[0], sender=operators[0])


def test_release_standing__not_left__reverts(staking, joined, operators, services):
    with ape.reverts("staking: service not left"):
        staking.release_standing(1, services[0], sender=operators[0])


def test_leave__not_joined_or_left__reverts(staking, staked, operators, services):
    with ape.reverts("staking: service not joined"):
        staking.leave(1, services[0], sender=operators[0])
    staking.opt_in(1, services[0], NO_LIMIT, sender=operators[0])
    staking.leave(1, services[0], sender=operators[0])
    with ape.reverts("staking: service not joined"):
        staking.leave(1, services[0], sender=operators[0])


def test_leave__by_another__reverts(staking, joined, operators, services):
    with ape.reverts("staking: not the operator's owner"):
        staking.leave(1, services[0], sender=operators[1])


def test_opt_in__after_leaving__takes_up_the_same_bond(staking, joined, operators, services, lock):
    staking.leave(1, services[0], sender=operators[0])
    with ape.reverts("staking: operator not opted in"):
        lock(100)
    staking.opt_in(1, services[0], NO_LIMIT, sender=operators[0])
    assert staking.lane(1, services[0]) == STANDING
    lock(100)


def test_lock__free_stake__moves_the_lane(staking, joined, services, lock):
    lock(100)
    assert staking.lane(1, services[0]) == STANDING + 100


def test_lock__up_to_the_last_gwei__and_no_further(staking, joined, lock):
    free = STAKED - 2 * STANDING
    lock(free - 1)
    lock(1, service=1)
    with ape.reverts("staking: not enough free stake"):
        lock(1)
    assert staking.locked_of(1) == STAKED


def test_lock__exiting_stake__is_not_free(staking, joined, operators, lock):
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    lock(STAKED - 2 * STANDING - 1_000 * GWEI)
    with ape.reverts("staking: not enough free stake"):
        lock(1)


def test_lock__above_the_opt_in_ceiling__reverts(staking, joined, operators, services, lock):
    staking.opt_in(1, services[0], STANDING + 100, sender=operators[0])
    lock(100)
    with ape.reverts("staking: above the opt-in ceiling"):
        lock(1)
    lock(1, service=1)


def test_lock__above_the_keys_ceiling__counts_all_lanes(staking, joined, operators, workers, lock):
    staking.set_worker(1, workers[0], 2 * STANDING + 100, 0, b"", sender=operators[0])
    lock(60)
    lock(40, service=1)
    with ape.reverts("staking: above the key's ceiling"):
        lock(1)


def test_lock__not_opted_in__reverts(staked, lock):
    with ape.reverts("staking: operator not opted in"):
        lock(1)


def test_lock__replaced_or_unknown_key__reverts(
    staking, joined, operators, services, lock, now, stranger
):
    staking.set_worker(1, ZERO, 0, 0, b"", sender=operators[0])
    with ape.reverts("staking: not a worker key"):
        lock(1)
    with ape.reverts("staking: not a worker key"):
        services[0].lock(stranger, 1, now(), sender=stranger)


def test_lock__by_no_service__reverts(staking, joined, workers, stranger, now):
    with ape.reverts("staking: service not active"):
        staking.lock(workers[0], 1, now(), sender=stranger)


def test_lock__future_moment__reverts(joined, lock, now):
    with ape.reverts("staking: moment in the future"):
        lock(1, moment=now() + DAY)


def test_lock__eight_services__each_has_its_own_lane(
    staking, owner, funded, operators, workers, consent, new_service, now, stranger
):
    services = [new_service() for _ in range(8)]
    for service in services:
        staking.admit_genesis(service, 1, sender=owner)
    staking.seal_genesis(sender=owner)
    staking.stake(0, STAKE, NO_PERMIT, sender=operators[0])
    signature = consent(workers[0], 1, operators[0])
    staking.set_worker(1, workers[0], NO_LIMIT, 2**63, signature, sender=operators[0])
    for number, service in enumerate(services):
        staking.opt_in(1, service, NO_LIMIT, sender=operators[0])
        service.lock(workers[0], 10**number, now(), sender=stranger)
    lanes = [staking.lane(1, service) for service in services]
    assert lanes == [1 + 10**number for number in range(8)]
    assert staking.locked_of(1) == sum(lanes)
    services[7].lock(workers[0], STAKED - sum(lanes), now(), sender=stranger)
    with ape.reverts("staking: not enough free stake"):
        services[0].lock(workers[0], 1, now(), sender=stranger)


def test_leave__neighbour_in_the_same_word__keeps_its_limit_and_lock(
    staking, joined, operators, services, lock, settle
):
    """Two lanes share a slot, both with the largest ceiling: neither reaches into the other."""
    lock(100)
    lock(200, service=1)
    staking.leave(1, services[0], sender=operators[0])

    with ape.reverts("staking: operator not opted in"):
        lock(1)
    lock(300, service=1)
    settle(settled(1, 100))
    assert [staking.lane(1, service) for service in services] == [STANDING, STANDING + 500]
    assert staking.locked_of(1) == 2 * STANDING + 500
    assert [staking.opt_in_of(1, service).ceiling for service in services] == [NO_LIMIT, NO_LIMIT]


def test_settle__release_and_burn__leaves_the_supply(
    staking, token, joined, services, lock, settle
):
    lock(100)
    supply = token.totalSupply()
    receipt = settle(settled(1, 60, burnt=40))

    assert staking.lane(1, services[0]) == STANDING
    assert staking.operator(1).stake == STAKED - 40
    assert token.totalSupply() == supply - 40 * GWEI
    assert receipt.events == [
        staking.StakeBurnt(id=1, service=services[0], amount=40),
        token.Transfer(sender=staking, receiver=ZERO, value=40 * GWEI),
    ]


def test_settle__two_operators__each_their_own(staking, joined, lock, settle, services):
    lock(100)
    lock(200, operator=2)
    settle(settled(1, 100), settled(2, 0, burnt=200))
    assert [staking.lane(number, services[0]) for number in (1, 2)] == [STANDING, STANDING]
    assert [staking.operator(number).stake for number in (1, 2)] == [STAKED, STAKED - 200]


@pytest.mark.parametrize(("released", "burnt"), [(101, 0), (0, 101), (50, 51)])
def test_settle__more_than_the_lane_holds__reverts(joined, lock, settle, released, burnt):
    lock(100)
    with ape.reverts("staking: lane holds less"):
        settle(settled(1, STANDING + released, burnt))


def test_settle__another_services_lock__is_out_of_reach(joined, lock, settle):
    lock(100)
    with ape.reverts("staking: lane holds less"):
        settle(settled(1, STANDING + 1), service=1)


def test_settle__by_no_service__reverts(staking, joined, stranger):
    with ape.reverts("staking: not a service"):
        staking.settle([settled(1, 1)], sender=stranger)


def test_settle__burn_lowers_votes_in_the_same_call(staking, joined, lock, settle, stranger, wait):
    staking.sync_votes(1, sender=stranger)
    wait(1)  # in the same second an estimate sees the checkpoint rewritten, which costs less
    lock(100)
    receipt = settle(settled(1, 0, burnt=100))
    assert staking.VotesChanged(id=1, votes=STAKED - 100) in receipt.events


def test_settle__exit_before_the_slash__does_not_save_the_stake(
    staking, joined, operators, lock, settle, wait
):
    """All is queued for exit while a job is open: the slash eats the queue, oldest first."""
    lock(1_500 * GWEI)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    staking.unstake(1, STAKE - 1_000 * TOKEN, sender=operators[0])
    settle(settled(1, 0, burnt=1_500 * GWEI))

    left = STAKED - 1_500 * GWEI
    assert [exit.amount for exit in staking.exits_of(1)] == [0, left]
    assert (staking.operator(1).stake, staking.operator(1).exiting) == (left, left)
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    assert staking.operator(1).stake == 2 * STANDING


def test_settle__free_stake_goes_first__the_queue_stays(staking, joined, operators, lock, settle):
    lock(500 * GWEI)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    settle(settled(1, 0, burnt=500 * GWEI))
    assert [exit.amount for exit in staking.exits_of(1)] == [1_000 * GWEI]


def test_settle__slashed_below_the_minimum__weighs_nothing(staking, joined, lock, settle):
    lock(4_500 * GWEI)
    settle(settled(1, 0, burnt=4_500 * GWEI))
    assert staking.operator(1).weights.now == 0


def _start_epoch(now, at, chain):
    start = (now() // EPOCH + 1) * EPOCH
    at(start)
    chain.mine()
    return start


def test_lock__stake_after_the_epoch_began__weighs_nothing_in_it(
    staking, joined, services, operators, lock, now, at, chain
):
    """Grinding: who sees the seed and then stakes gains nothing in that round."""
    _start_epoch(now, at, chain)
    assert weights(lock(1), services) == (5_000, 10_000)
    staking.stake(1, 1_000 * TOKEN, NO_PERMIT, sender=operators[0])
    seed_at = now()
    assert weights(lock(1), services) == (5_000, 10_000)
    _start_epoch(now, at, chain)
    assert weights(lock(1, moment=seed_at), services) == (5_000, 10_000)
    assert weights(lock(1), services) == (6_000, 11_000)


def test_lock__new_operator__weighs_nothing_before_its_second_epoch(
    staking, joined, services, owner, token, workers, consent, lock, now, at, chain
):
    _start_epoch(now, at, chain)
    token.approve(staking, STAKE, sender=owner)
    staking.stake(0, STAKE, NO_PERMIT, sender=owner)
    assert list(staking.weight_at(3, now())) == [0, 10_000]
    _start_epoch(now, at, chain)
    assert list(staking.weight_at(3, now())) == [5_000, 15_000]


def test_weight_at__moved_in_two_epochs__older_reverts(staking, joined, operators, now, at, chain):
    first = _start_epoch(now, at, chain)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    second = _start_epoch(now, at, chain)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])

    assert list(staking.weight_at(1, first)) == [5_000, 10_000]
    assert list(staking.weight_at(1, second)) == [4_000, 9_000]
    assert list(staking.weight_at(1, second + EPOCH)) == [3_000, 8_000]
    with ape.reverts("staking: epoch too old"):
        staking.weight_at(1, first - 1)


def test_weight_at__quiet_epochs_between__keep_the_last_value(
    staking, joined, operators, now, at, chain, wait
):
    _start_epoch(now, at, chain)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    wait(5 * EPOCH)
    late = _start_epoch(now, at, chain)
    staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    assert list(staking.weight_at(1, late - 1)) == [4_000, 9_000]
    assert list(staking.weight_at(1, late)) == [4_000, 9_000]
