"""Every row of the table of phases, at the last second before, at, and the first after."""

import boa
import pytest

from tests.contracts.provable_world import (
    BOND,
    Fate,
    Phase,
    ProvableJob,
)
from worker.protocol.provable_words import worst_case

TRUTHS = ProvableJob.truths


# 0 open


def test_claim__takes_the_seat_and_locks_the_bond(world):
    job = world.post()
    world.last_third(job)
    operator = world.drawn(job)

    world.claim(job, operator)

    word = world.word(job)
    assert (word.phase, word.since, word.seats[0]) == (Phase.RUNNING, world.now, (operator.id, 0))
    assert world.locked(operator) == 2 * BOND
    log = world.last("SeatClaimed")
    assert (log.operator, log.batch, log.round) == (operator.id, 0, 0)


def test_claim__ends_with_the_window(world):
    job = world.post()
    world.last_third(job)
    operator = world.drawn(job)
    until = world.until(job)
    with boa.env.anchor():
        world.go_to(until - 1)
        world.claim(job, operator)
    world.go_to(until)
    with boa.reverts("provable: claim closed"):
        world.claim(job, operator)


def test_claim__second_operator__reverts(world):
    job, _ = world.sealed()

    with boa.reverts("provable: no seat is open"):
        world.claim(job, world.operators[6])


def test_claim__not_drawn__reverts(world):
    job = world.post()
    refused = 0
    for operator in world.operators:
        try:
            with boa.env.anchor():
                world.claim(job, operator)
        except boa.BoaError as error:
            assert "provable: not drawn" in str(error)
            refused += 1
    assert refused >= 3  # in the first third a seat's worth of tickets is out


def test_claim__named__only_the_named(world):
    named = [world.operators[2].id, world.operators[4].id]
    job = world.post(named=named)
    with boa.reverts("provable: not named"):
        world.claim(job, world.operators[3])
    world.claim(job, world.operators[4])


def test_claim__last_second__worst_case_still_ends_with_the_expiry(world):
    named = [operator.id for operator in world.operators[:2]]
    usual = world.post(named=named).terms
    late = 1 + usual.run
    job = world.post(named=named, expiry=world.now + late + usual.claim + worst_case(usual))
    world.claim(job, world.operators[0])
    world.end_window(job)
    world.go_to(world.until(job) - 1)

    world.claim(job, world.operators[1])

    assert world.now + worst_case(job.terms) < job.terms.expiry


# 1 running


def test_seal__until_the_run_window_ends(world):
    job = world.post(named=[world.operators[0].id])
    operator = world.operators[0]
    world.claim(job, operator)
    until = world.until(job)
    with boa.reverts("provable: not the seat's key"):
        world.seal(job, world.operators[1], job.truths())
    with boa.env.anchor():
        world.go_to(until - 1)
        world.seal(job, operator, job.truths())
        word = world.word(job)
        assert (word.phase, word.since) == (Phase.SEALED, until - 1)
        assert word.height == boa.env.evm.patch.block_number + 1
        assert world.last("ResultSealed").digest == world.digest(job, operator, job.truths())
    world.go_to(until)
    with boa.reverts("provable: seal closed"):
        world.seal(job, operator, job.truths())


def test_seal__nothing_running__reverts(world):
    job, operator = world.sealed()

    with boa.reverts("provable: nothing to seal"):
        world.seal(job, operator, job.truths())


def test_advance__late_operator__loses_a_quarter_and_the_batch_reopens(world):
    job = world.post(named=[world.operators[0].id])
    operator = world.operators[0]
    world.claim(job, operator)
    supply = world.token.totalSupply()
    until = world.until(job)
    world.go_to(until - 1)
    with boa.reverts("provable: advanced too early"):
        world.advance(job)
    world.go_to(until)

    word = world.advance(job)

    assert world.locked(operator) == 0
    assert supply - world.token.totalSupply() == 2 * BOND // 4 * 10**9
    log = world.last("SeatForfeited")
    assert (log.operator, log.burnt, log.released) == (operator.id, BOND // 2, 2 * BOND * 3 // 4)
    assert (word.phase, word.round, word.since) == (Phase.OPEN, 1, until)
    assert word.height == boa.env.evm.patch.block_number + 1
    reopened = world.last("RoundOpened")
    assert (reopened.round, reopened.mask, reopened.opened_at) == (1, 0b11, until)
    assert reopened.seed_height == word.height


# 2 sealed


def test_reveal__draw_pending__reverts(world):
    job = world.post(named=[world.operators[0].id])
    world.claim_sealed(job, world.operators[0], job.truths())

    for call in (
        lambda: world.reveal(job, world.operators[0], job.truths()),
        lambda: world.advance(job),
    ):
        with boa.reverts("jobs: seed pending"):
            call()
        world.wait(1, blocks=1)
        with boa.reverts("jobs: seed pending"):
            call()
        boa.env.evm.patch.block_number -= 1


# 5 reveal


def test_reveal__window__counts_from_the_phase(world):
    job, operator = world.sealed()
    world.draw(job, audited=False)
    world.advance(job)
    until = world.until(job)
    with boa.env.anchor():
        world.go_to(until - 1)
        world.reveal(job, operator, job.truths())
    world.go_to(until)
    with boa.reverts("provable: reveal closed"):
        world.reveal(job, operator, job.truths())


def test_reveal__before_the_seal__reverts(world):
    job = world.post()

    with boa.reverts("provable: reveal not open"):
        world.reveal(job, world.operators[0], job.truths())


def test_reveal__both__challenge_begins_with_the_second(world):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    began = world.word(job).since

    world.reveal(job, auditor, job.truths())
    middle = world.word(job)
    world.wait(100)
    world.reveal(job, operator, job.truths())

    assert (middle.phase, middle.since) == (Phase.REVEAL, began)
    assert (world.word(job).phase, world.word(job).since) == (Phase.CHALLENGE, world.now)


@pytest.mark.parametrize("who", ["nobody", "stranger", "again"])
def test_reveal__not_a_seat_to_open__reverts(world, who):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    taken = {operator.id, auditor.id}
    if who == "again":
        world.reveal(job, operator, job.truths())
        with boa.reverts("provable: nothing to open"):
            world.reveal(job, operator, job.truths())
        return
    other = 0 if who == "nobody" else next(o.id for o in world.operators if o.id not in taken)
    with boa.reverts("provable: no seat"):
        world.jobs.reveal(job.members, 0, other, job.truths(), bytes(32))


def test_advance__silent_operator__burnt_whole_and_reopened(world):
    job, operator = world.sealed()
    world.draw(job, audited=False)
    world.advance(job)
    supply = world.token.totalSupply()
    world.go_to(world.until(job) - 1)
    with boa.reverts("provable: advanced too early"):
        world.advance(job)

    word = world.end_window(job)

    assert supply - world.token.totalSupply() == 2 * BOND * 10**9
    assert world.locked(operator) == 0
    assert (word.phase, word.round) == (Phase.OPEN, 1)


def test_advance__silent_auditor__operator_goes_on(world):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    world.reveal(job, operator, job.truths())
    supply = world.token.totalSupply()

    word = world.end_window(job)

    assert word.phase == Phase.CHALLENGE
    assert word.fates == (Fate.OPENED, Fate.GONE)
    assert not word.unaudited
    assert (world.locked(operator), world.locked(auditor)) == (2 * BOND, 0)
    assert supply - world.token.totalSupply() == 2 * BOND * 10**9


def test_advance__both_silent__both_burnt(world):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    supply = world.token.totalSupply()

    word = world.end_window(job)

    assert supply - world.token.totalSupply() == 4 * BOND * 10**9
    assert word.phase == Phase.OPEN
    assert world.locked(operator) == world.locked(auditor) == 0


# 6 challenge


@pytest.mark.parametrize("unaudited", [False, True])
def test_settle__when_the_challenge_is_over(world, unaudited):
    job, operator = world.sealed()
    world.draw(job, audited=unaudited)
    if unaudited:
        world.advance(job)
        world.end_window(job)
        world.end_window(job)
    world.reveal(job, operator, job.truths())
    until = world.now + job.terms.challenge * (2 if unaudited else 1)
    assert world.until(job) == until
    world.go_to(until - 1)
    with boa.reverts("provable: settled too early"):
        world.settle(job, job.truths())
    world.go_to(until)

    world.settle(job, job.truths())

    assert world.word(job).is_final


@pytest.mark.parametrize("phase", ["open", "sealed", "reveal"])
def test_settle__nothing_opened_by_all__reverts(world, phase):
    job = world.post()
    if phase != "open":
        world.take(job, job.truths())
        world.draw(job, audited=False)
    if phase == "reveal":
        world.advance(job)
    world.wait(20 * job.terms.challenge)

    with boa.reverts("provable: nothing to settle"):
        world.settle(job, job.truths())


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.CHALLENGE])
def test_advance__no_window_to_end__reverts(world, phase):
    job = world.post() if phase == Phase.OPEN else world.opened()[0]
    world.wait(20 * job.terms.challenge)

    with boa.reverts("provable: nothing to advance"):
        world.advance(job)
