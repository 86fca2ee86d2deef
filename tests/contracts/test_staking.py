"""Stake, exits, worker keys and votes."""

import ape
import pytest

from tests.contracts.conftest import (
    DAY,
    FOREVER,
    GWEI,
    MINIMUM_STAKE,
    NO_LIMIT,
    NO_PERMIT,
    STAKE,
    TOKEN,
    UNBONDING,
    WEIGHT_CAP,
    ZERO,
    settled,
)


def test_stake__before_the_seal__reverts(staking, funded, operators):
    with ape.reverts("staking: not open yet"):
        staking.stake(0, STAKE, NO_PERMIT, sender=operators[0])


def test_stake__new_operator__gets_an_id_and_a_weight(staking, token, open_network, operators):
    receipt = staking.stake(0, STAKE, NO_PERMIT, sender=operators[0])

    assert receipt.return_value == 1 == staking.operator_count()
    assert staking.owner_of(1) == operators[0]
    operator = staking.operator(1)
    assert (operator.stake, operator.exiting, operator.weights.now) == (STAKE // GWEI, 0, 5_000)
    assert token.balanceOf(staking) == STAKE
    assert receipt.events == [
        staking.StakeAdded(id=1, sender=operators[0], amount=STAKE // GWEI),
        token.Transfer(sender=operators[0], receiver=staking, value=STAKE),
    ]


def test_stake__with_a_permit__needs_no_allowance(staking, token, open_network, owner, permit):
    staking.stake(0, STAKE, permit(owner, staking, STAKE), sender=owner)
    assert staking.owner_of(1) == owner
    assert token.allowance(owner, staking) == 0


def test_stake__permit_used_by_another__allowance_suffices(
    staking, token, open_network, owner, stranger, permit
):
    deadline, v, r, s = signed = permit(owner, staking, STAKE)
    token.permit(owner, staking, STAKE, deadline, v, r, s, sender=stranger)
    staking.stake(0, STAKE, signed, sender=owner)
    assert staking.owner_of(1) == owner


def test_stake__permit_refused_and_no_allowance__reverts(staking, open_network, owner, permit):
    with ape.reverts("erc20: insufficient allowance"):
        staking.stake(0, STAKE, permit(owner, staking, STAKE - 1), sender=owner)


def test_stake__top_up_by_a_stranger__is_the_operators(staking, staked, requester):
    receipt = staking.stake(1, 10 * TOKEN, NO_PERMIT, sender=requester)
    assert receipt.return_value == 1
    assert staking.operator(1).stake == (STAKE + 10 * TOKEN) // GWEI
    assert staking.owner_of(1) != requester


@pytest.mark.parametrize("amount", [GWEI, MINIMUM_STAKE * TOKEN - GWEI])
def test_stake__new_operator_below_the_minimum__reverts(staking, open_network, operators, amount):
    with ape.reverts("staking: below the minimum stake"):
        staking.stake(0, amount, NO_PERMIT, sender=operators[0])


@pytest.mark.parametrize("amount", [0, 1, STAKE + 1])
def test_stake__not_whole_gwei__reverts(staking, open_network, operators, amount):
    with ape.reverts("staking: not whole gwei"):
        staking.stake(0, amount, NO_PERMIT, sender=operators[0])


def test_stake__unknown_operator__reverts(staking, staked, requester):
    with ape.reverts("staking: no such operator"):
        staking.stake(3, STAKE, NO_PERMIT, sender=requester)


def test_stake__more_than_the_word_holds__reverts(staking, token, staked, owner, requester):
    token.bind_minter(owner, sender=owner)
    token.mint(requester, 2**63 * GWEI, sender=owner)
    with ape.reverts("staking: stake too large"):
        staking.stake(1, 2**63 * GWEI, NO_PERMIT, sender=requester)


def test_stake__above_the_cap__weighs_the_cap(staking, open_network, operators):
    staking.stake(0, (WEIGHT_CAP + 1) * TOKEN, NO_PERMIT, sender=operators[0])
    assert staking.operator(1).weights.now == WEIGHT_CAP


def test_unstake__part__is_queued_and_weighs_no_more(staking, staked, operators, now):
    receipt = staking.unstake(1, 1_000 * TOKEN, sender=operators[0])

    operator = staking.operator(1)
    assert (operator.stake, operator.exiting) == (STAKE // GWEI, 1_000 * GWEI)
    assert operator.weights.now == 4_000
    matures_at = now() + UNBONDING
    assert [tuple(exit) for exit in staking.exits_of(1)] == [(1_000 * GWEI, matures_at)]
    assert receipt.events == [staking.ExitQueued(id=1, amount=1_000 * GWEI, matures_at=matures_at)]


def test_unstake__by_another__reverts(staking, staked, operators):
    with ape.reverts("staking: not the operator's owner"):
        staking.unstake(1, STAKE, sender=operators[1])


def test_unstake__more_than_stays__reverts(staking, staked, operators):
    staking.unstake(1, STAKE, sender=operators[0])
    with ape.reverts("staking: more than is staked"):
        staking.unstake(1, GWEI, sender=operators[0])


def test_unstake__leaving_too_little__reverts(staking, staked, operators):
    with ape.reverts("staking: rest below the minimum"):
        staking.unstake(1, STAKE - MINIMUM_STAKE * TOKEN + GWEI, sender=operators[0])
    staking.unstake(1, STAKE - MINIMUM_STAKE * TOKEN, sender=operators[0])


@pytest.mark.parametrize(("late", "paid"), [(-1, False), (0, True), (1, True)])
def test_withdraw__around_maturity__is_half_open(
    staking, token, staked, operators, now, at, late, paid
):
    staking.unstake(1, STAKE, sender=operators[0])
    before = token.balanceOf(operators[0])
    at(now() + UNBONDING + late)
    if not paid:
        with ape.reverts("staking: nothing to withdraw"):
            staking.withdraw(1, sender=operators[0])
        return
    receipt = staking.withdraw(1, sender=operators[0])
    assert token.balanceOf(operators[0]) == before + STAKE
    assert (staking.operator(1).stake, staking.operator(1).exiting) == (0, 0)
    assert receipt.events == [
        staking.StakeWithdrawn(id=1, owner=operators[0], amount=STAKE // GWEI),
        token.Transfer(sender=staking, receiver=operators[0], value=STAKE),
    ]


def test_withdraw__nine_exits__pays_eight_then_one(staking, staked, operators, wait):
    for _ in range(9):
        staking.unstake(1, 100 * TOKEN, sender=operators[0])
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    assert staking.operator(1).exiting == 100 * GWEI
    staking.withdraw(1, sender=operators[0])
    assert staking.operator(1).exiting == 0


def test_withdraw__what_a_job_still_locks__stays(
    staking, joined, services, operators, workers, now, wait
):
    services[0].lock(workers[0], 1_000 * GWEI, now(), sender=operators[0])
    staking.unstake(1, STAKE, sender=operators[0])
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    locked = staking.locked_of(1)
    assert locked == 1_010 * GWEI
    assert staking.operator(1).stake == locked
    with ape.reverts("staking: nothing to withdraw"):
        staking.withdraw(1, sender=operators[0])


def test_withdraw__eight_exits_slashed_away__the_ninth_is_reached(
    staking, joined, services, operators, workers, now, wait
):
    """Exits that were eaten pay nothing, but must not bar the way to those behind them."""
    services[0].lock(workers[0], 900 * GWEI, now(), sender=operators[0])
    for _ in range(8):
        staking.unstake(1, 100 * TOKEN, sender=operators[0])
    staking.unstake(1, STAKE - 800 * TOKEN, sender=operators[0])
    services[0].settle([settled(1, 100 * GWEI, burnt=800 * GWEI)], sender=operators[0])
    wait(UNBONDING)
    staking.withdraw(1, sender=operators[0])
    staking.withdraw(1, sender=operators[0])
    assert staking.operator(1).stake == staking.locked_of(1) == 10 * GWEI


def test_withdraw__by_another__reverts(staking, staked, operators):
    with ape.reverts("staking: not the operator's owner"):
        staking.withdraw(1, sender=operators[1])


def test_set_worker__with_consent__replaces_for_ever(staking, staked, operators, workers, consent):
    signature = consent(workers[2], 1, operators[0])
    receipt = staking.set_worker(1, workers[2], 7, FOREVER, signature, sender=operators[0])

    assert staking.worker_of(1) == workers[2]
    assert [staking.operator_of(worker) for worker in workers] == [0, 2, 1]
    assert staking.worker_key(workers[0]).retired
    assert receipt.events == [
        staking.WorkerSet(id=1, worker=workers[2], ceiling=7, previous=workers[0])
    ]
    with ape.reverts("staking: key was used before"):
        staking.set_worker(
            1, workers[0], 7, FOREVER, consent(workers[0], 1, operators[0]), sender=operators[0]
        )


def test_set_worker__same_key__moves_the_ceiling_without_consent(
    staking, staked, operators, workers
):
    staking.set_worker(1, workers[0], 9, 0, b"", sender=operators[0])
    assert staking.worker_key(workers[0]).ceiling == 9


def test_set_worker__zero__leaves_the_operator_without(staking, staked, operators, workers):
    staking.set_worker(1, ZERO, 0, 0, b"", sender=operators[0])
    assert (staking.worker_of(1), staking.operator_of(workers[0])) == (ZERO, 0)


def test_set_worker__key_of_another_operator__reverts(staking, staked, operators, workers, consent):
    signature = consent(workers[1], 1, operators[0])
    with ape.reverts("staking: key was used before"):
        staking.set_worker(1, workers[1], 7, FOREVER, signature, sender=operators[0])


@pytest.mark.parametrize("operator", [1, 2])
def test_set_worker__consent_for_another__reverts(
    staking, staked, operators, workers, consent, stranger, operator
):
    """Neither another operator nor another owner can take a consent that he saw."""
    owner = stranger if operator == 1 else operators[0]
    signature = consent(workers[2], operator, owner)
    with ape.reverts("staking: key does not consent"):
        staking.set_worker(1, workers[2], 7, FOREVER, signature, sender=operators[0])


@pytest.mark.parametrize(("late", "taken"), [(-1, True), (0, False), (1, False)])
def test_set_worker__around_the_deadline__is_half_open(
    staking, staked, operators, workers, consent, now, at, late, taken
):
    deadline = now() + DAY
    signature = consent(workers[2], 1, operators[0], deadline)
    terms = (1, workers[2], NO_LIMIT, deadline, signature)
    at(deadline + late)
    if taken:
        staking.set_worker(*terms, sender=operators[0])
        return
    with ape.reverts("staking: consent expired"):
        staking.set_worker(*terms, sender=operators[0])


def test_set_worker__by_another__reverts(staking, staked, stranger, workers, consent):
    with ape.reverts("staking: not the operator's owner"):
        staking.set_worker(
            1, workers[2], 7, FOREVER, consent(workers[2], 1, stranger), sender=stranger
        )


def test_votes_at__after_a_sync__follow_the_stake_up_and_down(
    staking, staked, operators, now, wait
):
    receipt = staking.sync_votes(1, sender=operators[1])
    synced = now()
    assert receipt.events == [staking.VotesChanged(id=1, votes=STAKE // GWEI)]
    wait(DAY)
    receipt = staking.unstake(1, 1_000 * TOKEN, sender=operators[0])
    lowered = now()
    assert staking.VotesChanged(id=1, votes=4_000 * GWEI) in receipt.events
    wait(DAY)
    staking.stake(1, 500 * TOKEN, NO_PERMIT, sender=operators[0])
    raised = now()
    wait(DAY)
    times = (synced - 1, synced, lowered - 1, lowered, raised)
    votes = [0, 5_000 * GWEI, 5_000 * GWEI, 4_000 * GWEI, 4_000 * GWEI]
    assert [staking.votes_at(1, timestamp) for timestamp in times] == votes


def test_votes_at__present_or_future__reverts(staking, staked, now):
    with ape.reverts("staking: votes not final yet"):
        staking.votes_at(1, now() + DAY)


def test_sync_votes__after_the_cap_moved__brings_the_weight_along(staking, staked, owner):
    staking.set_weight_cap(100, sender=owner)
    assert staking.operator(1).weights.now == 5_000
    staking.sync_votes(1, sender=owner)
    assert staking.operator(1).weights.now == 100
