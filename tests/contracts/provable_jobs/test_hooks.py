"""hold, release, silence: what the contract of demands may do to a batch."""

import boa
import pytest

from tests.contracts.jobs_world import STANDING
from tests.contracts.provable_world import BOND, PRIORITY, Fate, Phase, ProvableJob
from worker.protocol.provable_words import DEMAND_SECONDS, reserve

TRUTHS = ProvableJob.truths
QUIET = 10 * PRIORITY


def hold(world, job, operator, until=None):
    until = world.now + 60 if until is None else until
    return world.demands.hold(job.members, 0, operator.id, until)


def test_hold__keeps_the_batch_from_settling(world):
    job, operator = world.opened()

    assert hold(world, job, operator) == 0
    hold(world, job, operator)

    assert world.word(job).held == (2, 0)
    world.go_to(world.until(job))
    for _ in range(2):
        with boa.reverts("provable: a demand is open"):
            world.settle(job, job.truths())
        world.demands.release(job.members, 0, 0, operator.id)
        world.wait(QUIET)
    world.settle(job, job.truths())


@pytest.mark.parametrize("early", [1, 0])
def test_release__after_the_challenge__leaves_time_to_demand_more(world, early):
    job, operator = world.opened()
    hold(world, job, operator, world.until(job) + 100)
    world.go_to(world.until(job) + 50)
    world.demands.release(job.members, 0, 0, operator.id)

    world.go_to(world.now + QUIET - early)

    if early:
        with boa.reverts("provable: answered just now"):
            world.settle(job, job.truths())
        hold(world, job, operator, world.now + 60)
    else:
        world.settle(job, job.truths())


@pytest.mark.parametrize("beyond", [0, 1])
def test_deploy__priority__fits_the_day_that_locks_have_to_spare(world, beyond):
    if beyond:
        with boa.reverts("provable: priority too long"):
            world.new_service(priority=8_640 + beyond)
    else:
        assert world.new_service(priority=8_640).PRIORITY() == 8_640


def test_release__payer_accepts__need_not_wait(world):
    job, operator = world.opened()
    hold(world, job, operator)
    world.demands.release(job.members, 0, 0, operator.id)

    world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)

    assert world.word(job).is_final


def test_hold__each_seat_has_its_own_count(world):
    job, operator, auditor = world.audited(TRUTHS, TRUTHS)

    for seat in (operator, auditor, auditor):
        hold(world, job, seat)
    assert world.word(job).held == (1, 2)
    world.demands.release(job.members, 0, 0, auditor.id)

    assert world.word(job).held == (1, 1)


def test_hold__more_than_fit__reverts(world):
    job, operator, auditor = world.audited(TRUTHS, TRUTHS)
    for _ in range(31):
        hold(world, job, operator)

    with boa.reverts("provable: too many demands"):
        hold(world, job, operator)
    hold(world, job, auditor)
    assert world.word(job).held == (31, 1)


@pytest.mark.parametrize("unaudited", [False, True])
def test_hold__answer_due_at_the_constant_at_the_latest(world, unaudited):
    job, operator = world.sealed()
    world.draw(job, audited=unaudited)
    if unaudited:
        world.advance(job)
        world.end_window(job)
        world.end_window(job)
    world.reveal(job, operator, job.truths())
    last = world.until(job) + DEMAND_SECONDS

    with boa.reverts("provable: too late to demand"):
        hold(world, job, operator, last + 1)
    hold(world, job, operator, last)


def test_hold__while_the_other_seat_is_still_to_open(world):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    world.reveal(job, operator, job.truths())
    hold(world, job, operator)
    with boa.reverts("provable: seat opened nothing"):
        hold(world, job, auditor)

    world.reveal(job, auditor, job.truths())

    assert world.word(job).held == (1, 0)
    assert world.word(job).phase == Phase.CHALLENGE


def test_hold__no_seat__reverts(world):
    job, _ = world.opened()

    with boa.reverts("provable: no seat"):
        world.demands.hold(job.members, 0, 99, world.now)


def test_release__seat_gone__does_nothing(world, prover):
    job, operator = world.opened(lambda job: job.lies("x"))
    hold(world, job, operator)
    world.convict(job, operator, prover)
    before = world.word(job)

    world.demands.release(job.members, 0, 0, operator.id)
    world.demands.silence(job.members, 0, 0, operator.id)

    assert world.word(job) == before
    assert before.round == 1


def test_release__nothing_held_or_final__does_nothing(world):
    job, operator = world.opened()
    hold(world, job, operator)
    world.demands.release(job.members, 0, 0, operator.id)
    before = world.word(job)

    world.demands.release(job.members, 0, 0, operator.id)
    world.demands.silence(job.members, 0, 0, operator.id)
    assert world.word(job) == before
    world.go_to(world.until(job))
    world.settle(job, job.truths())
    final = world.views.batch_of(job.key, 0)
    world.demands.release(job.members, 0, 0, operator.id)
    assert world.views.batch_of(job.key, 0) == final


def test_convict__held_seat__frees_the_other(world, prover):
    job, operator, auditor = world.audited(lambda job: job.lies("x"), TRUTHS)
    hold(world, job, operator)

    world.convict(job, operator, prover)

    assert world.word(job).held == (0, 0)
    world.go_to(world.until(job))
    world.settle(job, job.truths())
    assert world.credit(auditor)


def test_silence__single_seat__burnt_whole_and_reopened(world):
    job, operator = world.opened()
    hold(world, job, operator)
    supply = world.token.totalSupply()

    world.demands.silence(job.members, 0, 0, operator.id)

    assert supply - world.token.totalSupply() == 2 * BOND * 10**9
    assert world.staking.lane(operator.id, world.jobs) == STANDING
    assert (world.word(job).phase, world.word(job).round) == (Phase.OPEN, 1)


def test_silence__that_reopens__told_behind_the_round_and_burnt_once(world):
    job, operator = world.opened()
    hold(world, job, operator)
    hold(world, job, operator)

    world.demands.silence(job.members, 0, 0, operator.id)

    logs = {type(log).__name__: log for log in world.demands.get_logs()}
    told = [name for name in logs if name in ("RoundOpened", "SeatForfeited")]
    assert told == ["RoundOpened", "SeatForfeited"]
    forfeit = logs["SeatForfeited"]
    assert (forfeit.round, forfeit.burnt, forfeit.released) == (0, 2 * BOND, 0)
    supply = world.token.totalSupply()
    world.demands.silence(job.members, 0, 0, operator.id)
    assert world.token.totalSupply() == supply


def test_silence__of_two__the_other_is_paid(world):
    job, operator, auditor = world.audited(TRUTHS, TRUTHS)
    hold(world, job, auditor)

    world.demands.silence(job.members, 0, 0, auditor.id)

    assert world.word(job).fates == (Fate.OPENED, Fate.GONE)
    world.go_to(world.until(job))
    world.settle(job, job.truths())
    assert world.credit(operator)


def test_silence__last_round__refunds(world):
    job = world.post()
    for number in range(3):
        world.wait(1)
        operator = world.take(job, job.truths())
        world.draw(job, audited=False)
        world.reveal(job, operator, job.truths())
        hold(world, job, operator)
        world.demands.silence(job.members, 0, number, operator.id)

    assert world.word(job).is_final
    assert world.escrow.credit_of(job.payer, 0) == reserve(job.terms, 2)


@pytest.mark.parametrize("call", ["hold", "release", "silence"])
def test_hooks__anyone_else__reverts(world, call):
    job, operator = world.opened()

    with boa.reverts("hooks: not the demands"):
        getattr(world.jobs, call)(job.members, 0, 0, operator.id)
