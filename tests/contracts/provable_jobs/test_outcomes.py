"""Every row of the table of outcomes: who is paid, who is burnt, what comes back."""

import boa
import pytest

from tests.contracts.provable_world import BOND, PRICE, Fate, Phase, ProvableJob
from tests.contracts.stateful import network as net
from worker.protocol.provable_words import final_word, reserve
from worker.protocol.settled import Result
from worker.protocol.words import SeatOutcome

TRUTHS = ProvableJob.truths
PAID = 2 * PRICE  # of a batch
NET = PAID - PAID * net.FEE_BPS // 10_000


def liar(job):
    return job.lies("liar")


def other_liar(job):
    return job.lies("other")


def end(world, job, values):
    """Settle when the challenge is over; return the event and what it refunded."""
    world.go_to(world.until(job))
    before = world.escrow.credit_of(job.payer, 0)
    log = world.settle(job, values)
    assert world.left(job) == 0
    return log, world.escrow.credit_of(job.payer, 0) - before


def test_settle__operator_alone__paid(world):
    job, operator = world.opened()

    log, refund = end(world, job, job.truths())

    assert world.credit(operator) == NET
    assert refund == reserve(job.terms, 2) - PAID
    assert world.locked(operator) == 0
    assert (log.round, log.paid_mask, log.values) == (0, 0b11, job.truths())
    assert (log.failed_mask, log.tied_mask, log.contested_mask) == (0, 0, 0)
    assert [SeatOutcome.unpack(seat) for seat in log.seats] == [
        SeatOutcome(operator.id, PAID, 0, 2 * BOND)
    ]
    result = Result(0b11, tuple(job.truths()), (operator.id,), world.now)
    assert Result.of_event(log._asdict()) == result
    assert world.views.batch_of(job.key, 0) == final_word(result.digest(), accepted=False)


def test_settle__both_the_same__both_paid(world):
    job, operator, auditor = world.audited(TRUTHS, TRUTHS)

    log, refund = end(world, job, job.truths())

    assert world.credit(operator) == world.credit(auditor) == NET
    assert refund == 0
    assert world.locked(operator) == world.locked(auditor) == 0
    assert len(log.seats) == 2
    result = Result(0b11, tuple(job.truths()), (operator.id, auditor.id), world.now)
    assert world.views.batch_of(job.key, 0) == final_word(result.digest(), accepted=False)


def test_settle__operator_silent__auditor_paid(world):
    job, operator, auditor = world.both_sealed(TRUTHS, TRUTHS)
    world.reveal(job, auditor, job.truths())
    world.end_window(job)

    log, refund = end(world, job, job.truths())

    assert (world.credit(operator), world.credit(auditor)) == (0, NET)
    assert refund == PAID
    assert (log.values, log.servers) == (job.truths(), auditor.id)


def test_settle__operator_convicted__auditor_paid(world, prover):
    job, operator, auditor = world.audited(liar, TRUTHS)
    world.convict(job, operator, prover)
    assert world.word(job).phase == Phase.CHALLENGE

    log, refund = end(world, job, job.truths())

    assert (world.credit(operator), world.credit(auditor)) == (0, NET)
    assert refund == PAID
    assert [seat & 0xFFFFFF for seat in log.seats] == [auditor.id]


def test_settle__auditor_convicted__operator_paid(world, prover):
    job, operator, auditor = world.audited(TRUTHS, liar)
    world.convict(job, auditor, prover)

    _, refund = end(world, job, job.truths())

    assert (world.credit(operator), world.credit(auditor)) == (NET, 0)
    assert refund == PAID


def test_settle__they_differ__both_burnt(world):
    job, operator, auditor = world.audited(TRUTHS, liar)
    supply = world.token.totalSupply()

    log, refund = end(world, job, [])

    assert supply - world.token.totalSupply() == 4 * BOND * 10**9
    assert refund == reserve(job.terms, 2)
    assert world.credit(operator) == world.credit(auditor) == 0
    assert world.locked(operator) == world.locked(auditor) == 0
    assert (log.paid_mask, log.tied_mask, log.values, log.servers) == (0, 0b11, [], 0)
    assert world.views.batch_of(job.key, 0) == 1 << 255


def test_convict__both__reopens_at_once(world, prover):
    job, operator, auditor = world.audited(liar, other_liar)
    world.convict(job, operator, prover)
    middle = world.word(job)
    world.convict(job, auditor, prover)

    assert middle.fates == (Fate.CONVICTED, Fate.OPENED)
    assert (world.word(job).phase, world.word(job).round) == (Phase.OPEN, 1)
    assert world.left(job) == reserve(job.terms, 2)


def test_convict__single_seat__reopens_and_the_next_is_paid(world, prover):
    job, operator = world.opened(liar)
    world.convict(job, operator, prover)
    assert world.word(job).phase == Phase.OPEN
    world.wait(1)

    honest = world.take(job, job.truths())
    world.draw(job, audited=False)
    world.reveal(job, honest, job.truths())
    log, refund = end(world, job, job.truths())

    assert log.round == 1
    assert world.credit(honest) == NET
    assert refund == PAID


def test_convict__before_the_auditor_opens__auditor_goes_on(world, prover):
    job, operator, auditor = world.both_sealed(liar, TRUTHS)
    world.reveal(job, operator, liar(job))
    world.convict(job, operator, prover)
    assert world.word(job).phase == Phase.REVEAL

    world.reveal(job, auditor, job.truths())

    assert world.word(job).phase == Phase.CHALLENGE
    end(world, job, job.truths())
    assert world.credit(auditor) == NET


def test_convict__before_a_silent_auditor__reopens_when_it_is_late(world, prover):
    job, operator, _ = world.both_sealed(liar, TRUTHS)
    world.reveal(job, operator, liar(job))
    world.convict(job, operator, prover)

    word = world.end_window(job)

    assert (word.phase, word.round) == (Phase.OPEN, 1)


@pytest.mark.parametrize("values", [[], [b"\1" * 32, b"\2" * 32]])
def test_settle__other_values__revert(world, values):
    job, _ = world.opened()
    world.go_to(world.until(job))

    with boa.reverts("provable: wrong values"):
        world.settle(job, values)
    with boa.reverts("provable: wrong values"):
        world.settle(job, job.truths()[::-1])


# Accept


def test_accept__pays_at_once(world):
    job, operator = world.opened()

    world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)

    assert world.credit(operator) == NET
    assert world.locked(operator) == 0
    result = Result(0b11, tuple(job.truths()), (operator.id,), world.now)
    assert world.views.batch_of(job.key, 0) == final_word(result.digest(), accepted=True)
    with boa.reverts("provable: batch final"):
        world.settle(job, job.truths())


def test_accept__both_the_same__pays_both(world):
    job, operator, auditor = world.audited(TRUTHS, TRUTHS)

    world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)

    assert world.credit(operator) == world.credit(auditor) == NET


def test_accept__they_differ__reverts(world):
    job, _, _ = world.audited(TRUTHS, liar)

    with boa.reverts("provable: openings differ"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)


def test_accept__not_the_payer__reverts(world):
    job, _ = world.opened()
    other = world.requesters[1]

    with boa.reverts("provable: not the payer"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=other)


def test_accept__before_the_opening__reverts(world):
    job, _ = world.sealed()

    with boa.reverts("provable: nothing to settle"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)


def test_settle__agreement_gone__bond_comes_back_all_the_same(world):
    job, operator = world.opened()
    terms = job.terms
    world.go_to(terms.expiry + 7 * 86_400)
    world.escrow.reclaim(world.jobs, terms.token, job.key, terms.expiry, terms.fee_bps)

    world.settle(job, job.truths())

    assert world.credit(operator) == 0
    assert world.locked(operator) == 0
