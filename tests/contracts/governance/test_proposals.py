"""propose, cancel: who may, and what can be proposed at all."""

import boa
import pytest

from tests.contracts.governance.world import (
    ACTIVE,
    CANCELED,
    DELAY,
    PENDING,
    PERIOD,
    QUORUM,
    THRESHOLD,
    TIMELOCK_DELAY,
    Calls,
    call,
)
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import TOKEN

MOST_CALLS = 8
OUT_OF_REACH = "governor: target out of the timelock's reach"


def test_propose__fee__says_when_and_how_much(world):
    number = world.propose(world.fee_call())

    proposal = world.governor.proposal(number)
    assert number == world.governor.proposal_count() == 1
    assert proposal.opens_at == world.now + DELAY
    assert proposal.closes_at == world.now + DELAY + PERIOD
    assert (proposal.operator, proposal.quorum, proposal.ready_at) == (1, QUORUM, 0)
    assert world.governor.state(number) == PENDING


def test_propose__log__has_the_calls(world):
    calls = world.fee_call()
    world.propose(calls)
    (event,) = world.governor.get_logs()
    assert (event.number, event.operator, event.description) == (1, 1, "because")
    assert (list(event.targets), list(event.payloads)) == (calls.targets, calls.payloads)


def test_propose__by_another__reverts(world):
    with boa.reverts("governor: not the operator's owner"):
        world.propose(world.fee_call(), sender=world.owner(2))


def test_propose__operator_that_is_not_there__reverts(world):
    with boa.reverts("governor: not the operator's owner"):
        world.governor.propose(9, *world.fee_call(), "", sender=world.owner(1))


def test_propose__around_the_threshold(world):
    owner = world.owner(3)
    world.staking.unstake(3, 2 * 10**6 * TOKEN - THRESHOLD * TOKEN, sender=owner)
    world.go(world.now + 1)
    world.propose(world.fee_call(), operator=3)
    world.staking.unstake(3, 1 * 10**9, sender=owner)  # a gwei
    world.go(world.now + 1)
    with boa.reverts("governor: too few votes to propose"):
        world.propose(world.fee_call(), operator=3)


def test_propose__stake_of_this_very_second__does_not_count(world):
    owner = boa.env.generate_address("late")
    net.fund(world.net, owner, 10**6 * TOKEN)
    number = world.staking.stake(0, 10**6 * TOKEN, net.NO_PERMIT, sender=owner)
    world.staking.sync_votes(number)
    with boa.reverts("governor: too few votes to propose"):
        world.governor.propose(number, *world.fee_call(), "", sender=owner)


def test_propose__calls_that_do_not_fit__reverts(world):
    fee = world.fee_call()
    for calls in (
        Calls([], []),
        Calls(fee.targets, []),
        Calls(fee.targets, fee.payloads * 2),
    ):
        with boa.reverts("governor: one payload for each target"):
            world.propose(calls)


def test_propose__more_than_eight_calls__reverts(world):
    fee = world.fee_call()
    world.propose(Calls(fee.targets * MOST_CALLS, fee.payloads * MOST_CALLS))
    too_many = Calls(fee.targets * (MOST_CALLS + 1), fee.payloads * (MOST_CALLS + 1))
    with pytest.raises(Exception, match=r"(?i)length|bound|encod"):
        world.propose(too_many)


def test_propose__what_the_timelock_cannot_move__reverts(world):
    stranger = world.stranger
    foreign = net.contract("Delegation").deploy(*[world.token] * 3)  # nobody owns it
    for target in (stranger, foreign.address, net.contract("seeds/BlockSeed").deploy().address):
        with boa.reverts(OUT_OF_REACH):
            world.propose(Calls([target], [b""]))
    with boa.reverts(OUT_OF_REACH):  # one such call spoils the rest
        fee = world.fee_call()
        world.propose(Calls([*fee.targets, stranger], [*fee.payloads, b""]))


def test_propose__token_that_the_timelock_holds__can_be_spent(world):
    coin = net.contract("Token").deploy(TOKEN)
    coin.transfer(world.timelock, 5)
    world.execute(call(coin, "transfer", world.stranger, 5))
    assert coin.balanceOf(world.stranger) == 5


def test_propose__itself_and_its_timelock__are_in_reach(world):
    world.propose(call(world.timelock, "update_delay", TIMELOCK_DELAY))
    world.propose(call(world.governor, "set_rules", (DELAY, PERIOD, 100, 1)))


def test_cancel__by_the_proposer__until_voting_is_over(world):
    early, late, over = (world.propose(world.fee_call()) for _ in range(3))
    world.governor.cancel(early, sender=world.owner(1))
    world.go(world.closes_at(late) - 1)
    assert world.governor.state(late) == ACTIVE
    world.governor.cancel(late, sender=world.owner(1))
    world.go(world.closes_at(over))
    with boa.reverts("governor: voting has ended"):
        world.governor.cancel(over, sender=world.owner(1))
    assert [world.governor.state(number) for number in (early, late)] == [CANCELED] * 2


def test_cancel__twice__reverts(world):
    number = world.propose(world.fee_call())
    world.governor.cancel(number, sender=world.owner(1))
    with boa.reverts("governor: voting has ended"):
        world.governor.cancel(number, sender=world.owner(1))


def test_cancel__by_anyone__only_when_the_proposers_stake_has_gone(world):
    number = world.propose(world.fee_call(), operator=3)
    with boa.reverts("governor: not the proposer"):
        world.governor.cancel(number, sender=world.stranger)
    world.staking.unstake(3, 2 * 10**6 * TOKEN, sender=world.owner(3))
    with boa.reverts("governor: not the proposer"):  # not before it is past
        world.governor.cancel(number, sender=world.stranger)
    world.go(world.now + 1)
    world.governor.cancel(number, sender=world.stranger)
    assert world.governor.state(number) == CANCELED


def test_proposal__that_is_not_there__reverts(world):
    for view in (world.governor.proposal, world.governor.state):
        with boa.reverts("governor: no such proposal"):
            view(1)
    with boa.reverts("governor: no such proposal"):
        world.governor.cancel(1, sender=world.owner(1))


def test_bind_timelock__once__by_the_deployer(world):
    other = net.contract("Governor").deploy(
        world.token, world.staking, (1, 1, 100, 1), sender=world.deployer
    )
    with boa.reverts("governor: timelock is bound once, by the deployer"):
        other.bind_timelock(world.timelock, sender=world.stranger)
    other.bind_timelock(world.timelock, sender=world.deployer)
    with boa.reverts("governor: timelock is bound once, by the deployer"):
        other.bind_timelock(world.stranger, sender=world.deployer)
