"""vote, vote_by_signature: when, by whom, how much; and when votes carry a proposal."""

import boa
import pytest

from tests.contracts.governance.world import (
    ABSTAIN,
    ACTIVE,
    AGAINST,
    DEFEATED,
    FOR,
    PENDING,
    SUCCEEDED,
)
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import GWEI, TOKEN

MILLION = 10**6 * GWEI  # tokens, in gwei


@pytest.fixture
def number(world) -> int:
    """A proposal that is voted on."""
    number = world.propose(world.fee_call())
    world.go(world.opens_at(number))
    return number


def tallies(world, number: int) -> tuple[int, int, int]:
    proposal = world.governor.proposal(number)
    return proposal.votes_for, proposal.votes_against, proposal.votes_abstain


def test_vote__each_kind__adds_to_its_own_tally(world, number):
    for operator, support in enumerate((FOR, AGAINST, ABSTAIN), start=1):
        world.vote(number, operator, support)
        assert world.governor.has_voted(number, operator)
    assert tallies(world, number) == (6 * MILLION, 6 * MILLION, 2 * MILLION)
    assert not world.governor.has_voted(number, 4)


def test_vote__log__says_how_much(world, number):
    world.vote(number, 3, AGAINST)
    (event,) = world.governor.get_logs()
    assert (event.number, event.operator, event.support) == (number, 3, AGAINST)
    assert event.votes == 2 * MILLION


def test_vote__around_its_interval__is_half_open(world):
    number = world.propose(world.fee_call())
    world.go(world.opens_at(number) - 1)
    assert world.governor.state(number) == PENDING
    with boa.reverts("governor: voting is not open yet"):
        world.vote(number, 1, FOR)
    world.go(world.opens_at(number))
    assert world.governor.state(number) == ACTIVE
    world.vote(number, 1, FOR)
    world.go(world.closes_at(number) - 1)
    world.vote(number, 2, FOR)
    world.go(world.closes_at(number))
    with boa.reverts("governor: voting is over"):
        world.vote(number, 3, FOR)


def test_vote__twice__reverts(world, number):
    world.vote(number, 1, FOR)
    with boa.reverts("governor: operator has voted"):
        world.vote(number, 1, AGAINST)
    assert tallies(world, number) == (6 * MILLION, 0, 0)


def test_vote__by_another__reverts(world, number):
    with boa.reverts("governor: not the operator's owner"):
        world.governor.vote(number, 1, FOR, sender=world.owner(2))


def test_vote__unknown_support__reverts(world, number):
    for support in (3, 2**256 - 1):
        with boa.reverts("governor: vote 0 for, 1 against, 2 abstain"):
            world.vote(number, 1, support)


def test_vote__on_nothing__reverts(world):
    with boa.reverts("governor: no such proposal"):
        world.vote(1, 1, FOR)


def test_vote__on_a_canceled_proposal__reverts(world, number):
    world.governor.cancel(number, sender=world.owner(1))
    with boa.reverts("governor: proposal was canceled"):
        world.vote(number, 2, AGAINST)


def test_vote__stake_that_came_when_voting_opened__weighs_nothing(world):
    number = world.propose(world.fee_call())
    world.go(world.opens_at(number) - 1)
    world.stake(3, 1, world.owner(3))  # in the last second that counts
    world.go(world.opens_at(number))
    world.stake(3, 10**6, world.owner(3))
    world.vote(number, 3, FOR)
    assert tallies(world, number)[FOR] == 2 * MILLION + GWEI


def test_vote__operator_that_came_too_late__reverts(world, number):
    owner = boa.env.generate_address("late")
    net.fund(world.net, owner, 10**6 * TOKEN)
    world.stake(0, 10**6, owner)
    with boa.reverts("governor: operator had no votes"):
        world.governor.vote(number, 4, FOR, sender=owner)


def test_vote__stake_that_left_after_the_snapshot__still_votes_and_stays_slashable(world, number):
    world.staking.unstake(1, 6 * 10**6 * TOKEN, sender=world.owner(1))
    world.vote(number, 1, FOR)
    assert tallies(world, number)[FOR] == 6 * MILLION
    with boa.reverts("staking: nothing to withdraw"):
        world.go(world.closes_at(number))
        world.staking.withdraw(1, sender=world.owner(1))


def test_vote__same_stake_on_two_proposals__counts_in_both(world, number):
    other = world.propose(world.fee_call(200))
    world.vote(number, 1, FOR)
    world.go(world.opens_at(other))
    world.vote(other, 1, AGAINST)
    assert tallies(world, other) == (0, 6 * MILLION, 0)


def test_vote_by_signature__brought_by_anyone__counts(world, number):
    deadline = world.now + 10
    signed = world.ballot(2, number, AGAINST, deadline)
    world.governor.vote_by_signature(number, 2, AGAINST, deadline, signed, sender=world.stranger)
    assert tallies(world, number) == (0, 6 * MILLION, 0)
    with boa.reverts("governor: operator has voted"):
        world.governor.vote_by_signature(number, 2, AGAINST, deadline, signed)


def test_vote_by_signature__bent_anywhere__reverts(world, number):
    deadline = world.now + 10
    signed = world.ballot(2, number, AGAINST, deadline)
    for proposal, operator, support, until in (
        (number, 2, FOR, deadline),
        (number, 1, AGAINST, deadline),
        (number, 2, AGAINST, deadline + 1),
    ):
        with boa.reverts("governor: not the owner's ballot"):
            world.governor.vote_by_signature(proposal, operator, support, until, signed)
    other = world.propose(world.fee_call(200))
    with boa.reverts("governor: not the owner's ballot"):
        world.governor.vote_by_signature(other, 2, AGAINST, deadline, signed)


def test_vote_by_signature__around_its_deadline__is_half_open(world, number):
    deadline = world.now + 10
    world.go(deadline)
    signed = world.ballot(2, number, FOR, deadline)
    with boa.reverts("governor: ballot expired"):
        world.governor.vote_by_signature(number, 2, FOR, deadline, signed)
    world.go(deadline - 1)
    world.governor.vote_by_signature(number, 2, FOR, deadline, signed)


def test_vote_by_signature__operator_that_is_not_there__reverts(world, number):
    """Its owner is the zero address, which is what a signature that does not recover gives too."""
    deadline = world.now + 10
    junk = b"\0" * 64 + b"\x1b"
    with boa.reverts():
        world.governor.vote_by_signature(number, 9, FOR, deadline, junk)


@pytest.mark.parametrize(
    ("votes", "state"),
    [
        ({1: FOR, 2: FOR}, SUCCEEDED),
        ({1: FOR, 2: ABSTAIN}, SUCCEEDED),  # abstaining counts towards the quorum
        ({1: FOR, 3: FOR}, DEFEATED),  # 8 of the 10 million that it takes
        ({1: FOR, 2: AGAINST, 3: ABSTAIN}, DEFEATED),  # a draw, and no quorum
        ({1: FOR, 3: FOR, 2: AGAINST}, DEFEATED),  # more for, but against is no quorum
        ({1: AGAINST, 2: ABSTAIN}, DEFEATED),
        ({}, DEFEATED),
    ],
)
def test_state__when_voting_is_over(world, number, votes, state):
    for operator, support in votes.items():
        world.vote(number, operator, support)
    world.go(world.closes_at(number))
    assert world.governor.state(number) == state


def test_state__around_the_quorum(world):
    """10 million tokens exactly, and a gwei less."""
    world.staking.unstake(1, 2 * 10**6 * TOKEN, sender=world.owner(1))
    world.go(world.now + 1)
    enough = world.propose(world.fee_call())
    world.staking.unstake(2, 10**9, sender=world.owner(2))
    world.go(world.opens_at(enough) - 1)
    world.stake(2, 1, world.owner(2))
    world.staking.unstake(2, TOKEN - 10**9, sender=world.owner(2))
    world.go(world.opens_at(enough))
    world.staking.unstake(2, 10**9, sender=world.owner(2))
    for operator in (1, 2):
        world.vote(enough, operator, FOR)
    world.go(world.now + 1)
    short = world.propose(world.fee_call())
    world.go(world.opens_at(short))
    for operator in (1, 2):
        world.vote(short, operator, FOR)
    assert tallies(world, enough)[FOR] == 10 * MILLION
    assert tallies(world, short)[FOR] == 10 * MILLION - 1
    world.go(world.closes_at(short))
    assert world.governor.state(enough) == SUCCEEDED
    assert world.governor.state(short) == DEFEATED


def test_vote__gas__within_80_000(world, number):
    world.vote(number, 1, FOR)
    calldata = world.governor.vote.prepare_calldata(number, 2, FOR)
    floor = 21_000 + sum(16 if byte else 4 for byte in calldata)
    world.vote(number, 2, AGAINST)
    assert world.governor._computation.get_gas_used() + floor <= 80_000
