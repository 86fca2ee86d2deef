"""convict, announce, release_bounty: who may accuse whom of what, and who is paid."""

import boa
import pytest
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import STANDING
from tests.contracts.provable_world import (
    BOND,
    PRIORITY,
    PROOF,
    Fate,
    Phase,
    ProvableJob,
    lie,
)
from worker.protocol.provable_words import announcement

TRUTHS = ProvableJob.truths
WHOLE = 2 * BOND * 10**9  # a batch's bond, wei
BOUNTY = WHOLE * 2 // 5
WAITS = 10 * PRIORITY


def liar(job):
    return job.lies("liar")


@pytest.fixture
def caught(world):
    """A job in its challenge whose operator lied."""
    return world.opened(liar)


def test_convict__announced__pays_prover_and_payer_and_burns_half(world, caught, prover):
    job, operator = caught
    world.staking.sync_votes(operator.id)
    world.announce(prover)
    world.wait(PRIORITY)
    supply, payer = world.token.totalSupply(), world.token.balanceOf(job.payer)

    world.convict(job, operator, prover)

    log = world.last("OperatorConvicted")
    assert (log.job, log.operator, log.prover) == (job.key, operator.id, prover)
    assert (log.batch, log.round, log.task, log.bond, log.announced) == (0, 0, 0, 2 * BOND, True)
    assert world.token.balanceOf(prover) == BOUNTY
    assert world.token.balanceOf(job.payer) - payer == WHOLE // 10
    assert supply - world.token.totalSupply() == WHOLE // 2
    assert world.staking.lane(operator.id, world.jobs) == STANDING
    assert world.staking.operator(operator.id).stake == 5_000 * 10**9 - 2 * BOND
    world.wait(1)
    assert world.staking.votes_at(operator.id, world.now - 1) == 5_000 * 10**9 - 2 * BOND


def test_convict__odd_amounts__round_against_the_receivers(world, prover):
    bond = BOND + 4  # nine in the batch's last two digits: nothing divides by five or ten
    job, operator = world.opened(liar, bond=bond, tasks=1, batch_log2=0)
    world.announce(prover)
    world.wait(PRIORITY)
    supply, payer = world.token.totalSupply(), world.token.balanceOf(job.payer)

    world.convict(job, operator, prover)

    bounty, repaid = bond * 2 // 5, bond // 10
    assert world.token.balanceOf(prover) == bounty * 10**9
    assert world.token.balanceOf(job.payer) - payer == repaid * 10**9
    assert supply - world.token.totalSupply() == (bond - bounty - repaid) * 10**9
    assert bond - bounty - repaid > bond / 2


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_convict__announcement__ripens(world, caught, prover, late):
    job, operator = caught
    world.announce(prover)
    world.wait(PRIORITY + late)

    world.convict(job, operator, prover)

    assert world.last("OperatorConvicted").announced == (late >= 0)
    assert world.token.balanceOf(prover) == (BOUNTY if late >= 0 else 0)


def test_convict__not_announced__the_bounty_waits(world, caught, prover):
    job, operator = caught
    held = world.token.balanceOf(world.staking)

    world.convict(job, operator, prover)

    seat = world.seat(job, operator)
    word = world.views.bounty_of(seat)
    assert word == int(prover, 16) | BOUNTY // 10**9 << 160 | world.now << 224
    assert world.staking.kept_for(world.jobs) == BOUNTY // 10**9
    assert held - world.token.balanceOf(world.staking) == WHOLE - BOUNTY
    world.wait(WAITS - 1)
    with boa.reverts("provable: bounty still waits"):
        world.jobs.release_bounty(seat)
    world.wait(1)
    world.jobs.release_bounty(seat)  # anyone may
    assert world.token.balanceOf(prover) == BOUNTY
    assert world.staking.kept_for(world.jobs) == 0
    log = world.last("BountyAwarded")
    assert (log.seat, log.prover, log.amount) == (seat, prover, BOUNTY // 10**9)
    with boa.reverts("provable: no bounty"):
        world.jobs.release_bounty(seat)


def test_convict__both_seats__each_by_its_own(world, prover):
    job, operator, auditor = world.audited(liar, liar)
    world.announce(prover)
    world.wait(PRIORITY)

    for seat in (operator, auditor):
        world.convict(job, seat, prover)

    assert world.token.balanceOf(prover) == 2 * BOUNTY
    assert world.word(job).round == 1


def test_convict__last_task_of_the_last_batch(world, prover):
    job = world.post(tasks=7, batch_log2=1)
    wrong = [lie("x", 6)]
    operator = world.take(job, wrong, batch=3)
    world.draw(job, audited=False, batch=3)
    world.reveal(job, operator, wrong, batch=3)

    world.convict(job, operator, prover, batch=3)

    assert world.last("OperatorConvicted").task == 6
    assert world.word(job, 3).round == 1
    assert world.word(job, 0).round == 0


def test_convict__agreement_gone__payers_part_is_burnt(world, caught, prover):
    job, operator = caught
    terms = job.terms
    world.go_to(terms.expiry + 7 * 86_400)
    world.escrow.reclaim(world.jobs, terms.token, job.key, terms.expiry, terms.fee_bps)
    supply = world.token.totalSupply()

    world.convict(job, operator, prover)

    assert supply - world.token.totalSupply() == WHOLE - BOUNTY
    assert world.word(job).is_final


def test_convict__inner_root__is_the_demands_record(world, caught, prover):
    job, operator = caught
    world.demands.fix(world.seat(job, operator), 0, 3, keccak(b"segment"))

    with boa.reverts("mock: other segment"):
        world.convict(job, operator, prover, segment=3)
    with boa.reverts("mock: no lie"):
        world.convict(job, operator, prover, proof=b"segment", segment=2, task=1)
    world.convict(job, operator, prover, proof=b"segment", segment=3)


# Who may not be convicted


def test_convict__honest__reverts(world, prover):
    job, operator = world.opened()

    with boa.reverts("mock: no lie"):
        world.convict(job, operator, prover)


def test_convict__honest_task_of_a_liar__reverts(world, caught, prover):
    job, operator = caught

    with boa.reverts("mock: no lie"):
        world.convict(job, operator, prover, task=1)


@pytest.mark.parametrize("task", [2, 2**255])
def test_convict__task_of_another_batch__reverts(world, caught, prover, task):
    job, operator = caught

    with boa.reverts("provable: task not in the batch"):
        world.convict(job, operator, prover, task=task)


def test_convict__task_before_the_batch__reverts(world, prover):
    job = world.post(tasks=4)
    wrong = job.lies("x", 1)
    operator = world.take(job, wrong, batch=1)
    world.draw(job, audited=False, batch=1)
    world.reveal(job, operator, wrong, batch=1)

    with boa.reverts("provable: task not in the batch"):
        world.convict(job, operator, prover, batch=1, task=1)


def test_convict__values_it_did_not_open__reverts(world, prover):
    job, operator = world.opened()
    job.opened[0, 0, operator.id] = liar(job)

    with boa.reverts("provable: not what it opened"):
        world.convict(job, operator, prover)


@pytest.mark.parametrize("part", ["payer", "nonce", "program", "inputs", "manifest"])
def test_convict__anothers_job__reverts(world, prover, part):
    job, operator = world.opened()
    payer, (nonce, program, inputs, manifest) = job.source
    other = keccak(b"other")
    source = {
        "payer": (prover, (nonce, program, inputs, manifest)),
        "nonce": (payer, (nonce + 1, program, inputs, manifest)),
        "program": (payer, (nonce, other, inputs, manifest)),
        "inputs": (payer, (nonce, program, other, manifest)),
        "manifest": (payer, (nonce, program, inputs, other)),
    }[part]
    charge = world.charge(job, operator)

    with boa.reverts("provable: wrong origin"):
        world.jobs.convict(job.members, source, charge, job.truths(), PROOF, sender=prover)


@pytest.mark.parametrize("when", ["sealed", "reveal", "convicted", "settled", "silent"])
def test_convict__seat_not_in_play__reverts(world, prover, when):
    job, operator = world.sealed(liar)
    world.draw(job, audited=False)
    job.opened[0, 0, operator.id] = liar(job)
    if when == "reveal":
        world.advance(job)
    elif when == "silent":
        world.advance(job)
        world.end_window(job)
    elif when != "sealed":
        world.reveal(job, operator, liar(job))
    if when == "convicted":
        world.announce(prover)
        world.wait(PRIORITY)
        world.convict(job, operator, prover)
    if when == "settled":
        world.go_to(world.until(job))
        world.settle(job, liar(job))

    with boa.reverts("provable: no bounty"):
        world.convict(job, operator, prover, round=0)


def test_convict__auditor_that_nobody_was__reverts(world, caught, prover):
    job, _ = caught
    charge = (0, 0, 0, 0, 0)

    with boa.reverts("provable: no bounty"):
        world.jobs.convict(job.members, job.source, charge, liar(job), PROOF, sender=prover)


def test_convict__court_whose_code_changed__reverts(world, caught, prover):
    job, operator = caught
    boa.env.set_code(world.court.address, b"\x60\x01\x60\x00\x52\x60\x20\x60\x00\xf3")

    with boa.reverts("courts: code changed"):
        world.convict(job, operator, prover)


# Announcements


def test_announce__twice__reverts(world, prover):
    world.announce(prover)
    assert world.last("ProofAnnounced").announcement == announcement(PROOF, prover)
    assert world.views.announced_at(announcement(PROOF, prover)) == world.now

    with boa.reverts("provable: announced before"):
        world.announce(prover)


def test_convict__second_announcer__gets_nothing(world, caught, prover):
    job, operator = caught
    other = world.requesters[1]
    for who in (prover, other):
        world.announce(who)
    world.wait(PRIORITY)
    world.convict(job, operator, prover)

    with boa.reverts("provable: no bounty"):
        world.convict(job, operator, other, round=0)
    assert world.word(job).phase == Phase.OPEN
    assert world.word(job).fates == (Fate.IN_PLAY, Fate.IN_PLAY)
