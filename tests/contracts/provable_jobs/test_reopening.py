"""What becomes of a batch when no seat is left: another round, or the end."""

import boa

from tests.contracts.provable_world import (
    Phase,
    ProvableJob,
)
from worker.protocol.provable_words import reserve, worst_case

TRUTHS = ProvableJob.truths


def silent_round(world, job):
    """Let an operator seal and not open."""
    operator = world.take(job, job.truths())
    world.draw(job, audited=False)
    world.advance(job)
    world.end_window(job)
    return operator


def test_reopen__twice__then_refunded(world):
    job = world.post()
    seen = {silent_round(world, job).id for _ in range(3)}

    assert len(seen) == 3
    assert world.word(job).is_final
    log = world.last("BatchClosed")
    assert (log.reason, log.refund) == (3, reserve(job.terms, 2))
    assert world.escrow.credit_of(job.payer, 0) == reserve(job.terms, 2)
    assert world.left(job) == 0


def test_reopen__same_operator__reverts(world):
    named = [operator.id for operator in world.operators[:2]]
    job = world.post(named=named)
    first = world.operators[0]
    world.claim(job, first)
    world.end_window(job)

    with boa.reverts("provable: has a seat"):
        world.claim(job, first)
    world.claim(job, world.operators[1])


def left_after_a_late_operator(world, spare: int):
    """Return a batch just after its late operator, `spare` seconds more than needed left."""
    usual = world.post(named=[world.operators[0].id]).terms
    late = 1 + usual.run  # the claim comes in the second after the posting
    expiry = world.now + late + usual.claim + worst_case(usual) + spare
    job = world.post(named=[world.operators[0].id], expiry=expiry)
    world.claim(job, world.operators[0])
    return world.end_window(job)


def test_reopen__only_while_a_worst_case_fits(world):
    fits, misses = (left_after_a_late_operator(world, spare) for spare in (0, -1))

    assert (fits.phase, fits.round) == (Phase.OPEN, 1)
    assert misses.is_final
