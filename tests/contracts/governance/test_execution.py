"""queue, execute: what passed is done, once, later, and nothing else ever is."""

import boa
import pytest

from tests.contracts.governance.world import (
    DELAY,
    EXECUTED,
    EXPIRED,
    GRACE,
    PERIOD,
    QUEUED,
    RULES,
    SUCCEEDED,
    TIMELOCK_DELAY,
    Calls,
    call,
)
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, TOKEN

MAX_DELAY, MAX_PERIOD, MAX_THRESHOLD = 14 * DAY, 60 * DAY, 10**6
MAX_TIMELOCK = 30 * DAY


def test_execute__passed_and_waited__changes_the_fee(world):
    number = world.execute(world.fee_call(321))
    assert world.escrow.fee_bps() == 321
    assert world.governor.state(number) == EXECUTED


def test_queue__before_it_has_passed__reverts(world):
    calls = world.fee_call()
    number = world.propose(calls)
    for moment in (world.now, world.opens_at(number), world.closes_at(number)):
        world.go(moment)
        with boa.reverts("governor: proposal has not passed"):
            world.governor.queue(number, *calls)


def test_queue__around_the_grace__is_half_open(world):
    calls = world.fee_call()
    number = world.passed(calls)
    world.go(world.closes_at(number) + GRACE)
    assert world.governor.state(number) == EXPIRED
    with boa.reverts("governor: proposal has not passed"):
        world.governor.queue(number, *calls)
    world.go(world.closes_at(number) + GRACE - 1)
    assert world.governor.state(number) == SUCCEEDED
    world.governor.queue(number, *calls)
    assert world.governor.state(number) == QUEUED


def test_queue__twice__reverts(world):
    calls = world.fee_call()
    number = world.queued(calls)
    with boa.reverts("governor: proposal has not passed"):
        world.governor.queue(number, *calls)


def test_queue__other_calls__reverts(world):
    number = world.passed(world.fee_call(300))
    other = world.fee_call(301)
    with boa.reverts("governor: not the proposed calls"):
        world.governor.queue(number, *other)
    with boa.reverts("governor: not the proposed calls"):
        world.governor.queue(number + 1, *other)


def test_execute__around_the_delay(world):
    calls = world.fee_call()
    number = world.queued(calls)
    ready_at = world.now + TIMELOCK_DELAY
    assert world.governor.proposal(number).ready_at == ready_at
    world.go(ready_at - 1)
    with boa.reverts("governor: delay is not over"):
        world.governor.execute(number, *calls)
    world.go(ready_at)
    world.governor.execute(number, *calls)


def test_execute__around_the_grace__is_half_open(world):
    calls = world.fee_call()
    number = world.queued(calls)
    lapses_at = world.now + TIMELOCK_DELAY + GRACE
    world.go(lapses_at)
    assert world.governor.state(number) == EXPIRED
    with boa.reverts("governor: proposal is not queued"):
        world.governor.execute(number, *calls)
    world.go(lapses_at - 1)
    world.governor.execute(number, *calls)


def test_execute__twice_or_unqueued__reverts(world):
    calls = world.fee_call()
    number = world.passed(calls)
    with boa.reverts("governor: proposal is not queued"):
        world.governor.execute(number, *calls)
    done = world.execute(calls)
    with boa.reverts("governor: proposal is not queued"):
        world.governor.execute(done, *calls)


def test_execute__other_calls__reverts(world):
    number = world.queued(world.fee_call(300))
    with boa.reverts("governor: not the proposed calls"):
        world.governor.execute(number, *world.fee_call(301))


def test_execute__one_call_of_two_fails__makes_neither(world):
    fee, worse = world.fee_call(321), world.fee_call(9_999)
    calls = Calls([*fee.targets, *worse.targets], [*fee.payloads, *worse.payloads])
    before = world.escrow.fee_bps()
    number = world.queued(calls)
    world.go(world.now + TIMELOCK_DELAY)
    with boa.reverts("escrow: fee too high"):
        world.governor.execute(number, *calls)
    assert world.escrow.fee_bps() == before
    assert world.governor.state(number) == QUEUED


def test_execute__same_calls_of_two_proposals__each_once(world):
    calls = world.fee_call()
    first, second = world.queued(calls), world.queued(calls)
    world.go(world.now + TIMELOCK_DELAY)
    for number in (first, second):
        world.governor.execute(number, *calls)
        assert world.governor.state(number) == EXECUTED


def test_set_rules__by_a_vote__binds_the_next_proposal(world):
    open_already = world.propose(world.fee_call())
    rules = (2 * DELAY, PERIOD + 1, 200, 5)
    world.execute(call(world.governor, "set_rules", rules))
    assert tuple(world.governor.rules()) == rules
    number = world.propose(world.fee_call())
    assert world.opens_at(number) == world.now + 2 * DELAY
    assert (
        world.governor.proposal(open_already).quorum * 2 == world.governor.proposal(number).quorum
    )


def test_set_rules__by_anyone_else__reverts(world):
    for sender in (world.deployer, world.owner(1), world.governor.address):
        with boa.reverts("governor: not the timelock"):
            world.governor.set_rules(RULES, sender=sender)


@pytest.mark.parametrize(
    ("place", "good", "bad", "reason"),
    [
        (0, (DELAY, MAX_DELAY), (DELAY - 1, MAX_DELAY + 1), "governor: delay out of bounds"),
        (1, (PERIOD, MAX_PERIOD), (PERIOD - 1, MAX_PERIOD + 1), "governor: period out of bounds"),
        (2, (100, 3_000), (99, 3_001), "governor: quorum out of bounds"),
        (3, (1, MAX_THRESHOLD), (0, MAX_THRESHOLD + 1), "governor: threshold out of bounds"),
    ],
)
def test_set_rules__out_of_bounds__reverts(world, place, good, bad, reason):
    def rules(value: int) -> tuple[int, ...]:
        return (*RULES[:place], value, *RULES[place + 1 :])

    for value in good:
        world.governor.set_rules(rules(value), sender=world.timelock.address)
    for value in bad:
        with boa.reverts(reason):
            world.governor.set_rules(rules(value), sender=world.timelock.address)


def test_deploy__no_time_to_vote__reverts(world):
    for rules in ((0, 1, 100, 1), (1, 0, 100, 1)):
        with boa.reverts("governor: no time to vote"):
            net.contract("Governor").deploy(world.token, world.staking, rules)


def test_update_delay__by_a_vote__only_ever_longer_than_at_first(world):
    world.execute(call(world.timelock, "update_delay", 2 * TIMELOCK_DELAY))
    assert world.timelock.get_minimum_delay() == 2 * TIMELOCK_DELAY
    world.execute(call(world.timelock, "update_delay", TIMELOCK_DELAY))
    for delay in (TIMELOCK_DELAY - 1, MAX_TIMELOCK + 1):
        calls = call(world.timelock, "update_delay", delay)
        number = world.queued(calls)
        world.go(world.now + TIMELOCK_DELAY)
        with boa.reverts("timelock: delay out of bounds"):
            world.governor.execute(number, *calls)


def test_update_delay__by_anyone_else__reverts(world):
    for sender in (world.deployer, world.governor.address):
        with boa.reverts("timelock: only by a vote"):
            world.timelock.update_delay(TIMELOCK_DELAY, sender=sender)


def test_deploy__delay_beyond_the_bound__reverts(world):
    net.contract("Timelock").deploy(world.governor, MAX_TIMELOCK)
    with boa.reverts("timelock: deployed with too long a delay"):
        net.contract("Timelock").deploy(world.governor, MAX_TIMELOCK + 1)


def test_timelock__anyone_but_the_governor__can_schedule_and_execute_nothing(world):
    calls = world.fee_call()
    rest = ([0], calls.payloads, b"\0" * 32, b"\0" * 32)
    for sender in (world.deployer, world.stranger, world.timelock.address):
        with boa.reverts("access_control: account is missing role"):
            world.timelock.schedule_batch(calls.targets, *rest, TIMELOCK_DELAY, sender=sender)
        with boa.reverts("access_control: account is missing role"):
            world.timelock.execute_batch(calls.targets, *rest, sender=sender)


def test_accept_ownership_of__not_offered__reverts(world):
    foreign = net.contract("Escrow").deploy(
        world.token, world.staking, 0, world.stranger, world.stranger
    )
    with boa.reverts("ownable_2step: caller is not the new owner"):
        world.timelock.accept_ownership_of(foreign)


def test_vote__cannot_reach_into_stakes_or_agreements(world):
    """A vote can spend what the Timelock holds; what people put into the vaults it does not."""
    before = world.token.balanceOf(world.staking)
    world.token.transfer(world.timelock, 1, sender=world.deployer)
    calls = call(world.token, "transfer", world.stranger, TOKEN)
    number = world.queued(calls)
    world.go(world.now + TIMELOCK_DELAY)
    with boa.reverts("erc20: transfer amount exceeds balance"):
        world.governor.execute(number, *calls)
    assert world.token.balanceOf(world.staking) == before
