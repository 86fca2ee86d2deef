"""bind_demands and forfeit: who may hold a service's operators to what they owe, in both lanes."""

import boa
import pytest

from tests.contracts.jobs_world import NO_LIMIT, STANDING

OTHER = "0x" + "55" * 20


@pytest.fixture
def unbound(either):
    """Another service, with no demands yet."""
    return either.new_service()


def test_bind_demands__once_by_the_deployer(either, unbound):
    with boa.reverts("hooks: bound or not the deployer"):
        unbound.bind_demands(OTHER, sender=either.net.owner)
    unbound.bind_demands(OTHER, sender=either.deployer)

    assert unbound.demands() == OTHER
    with boa.reverts("hooks: bound or not the deployer"):
        unbound.bind_demands(OTHER, sender=either.deployer)


def test_bind_demands__after_the_announcement__reverts(either, unbound):
    either.staking.announce_service(unbound, 0, sender=either.net.owner)

    with boa.reverts("hooks: bound too late"):
        unbound.bind_demands(OTHER, sender=either.deployer)


def test_forfeit__burns_the_standing_bond_once(either):
    operator, demands = either.operators[0], either.jobs.demands()
    supply = either.token.totalSupply()

    assert either.jobs.forfeit(operator.id, sender=demands) == STANDING
    assert either.jobs.forfeit(operator.id, sender=demands) == 0

    assert supply - either.token.totalSupply() == STANDING * 10**9
    assert either.staking.lane(operator.id, either.jobs) == 0
    assert either.staking.opt_in_of(operator.id, either.jobs).ceiling == 0


def test_forfeit__then_a_claim__waits_for_another_opt_in(either):
    operator, demands = either.operators[0], either.jobs.demands()
    job = either.post(named=[operator.id], seats=1, max_seats=1)
    either.jobs.forfeit(operator.id, sender=demands)

    with boa.reverts("staking: operator not opted in"):
        either.claim(job, operator)
    either.staking.opt_in(operator.id, either.jobs, NO_LIMIT, sender=operator.owner)
    either.claim(job, operator)

    assert either.locked(operator) == job.terms.bond * 2


def test_forfeit__anyone_else__reverts(either, unbound):
    operator = either.operators[0]
    for caller in (either.deployer, either.net.owner, operator.owner, either.requesters[0]):
        with boa.reverts("hooks: not the demands"):
            either.jobs.forfeit(operator.id, sender=caller)
    with boa.reverts("hooks: not the demands"):
        unbound.forfeit(operator.id, sender=OTHER)
