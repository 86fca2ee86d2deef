"""One named seat, whose result the payer accepts or not."""

import boa
import pytest

from tests.contracts.jobs_world import IDLE, SILENT
from tests.contracts.replicated_jobs.settling import (
    BACK,
    BOND,
    BURNT,
    FULL,
    PAID,
    PRICE,
    QUARTER,
    A,
    B,
    masks_of,
    seats_of,
)
from worker.protocol.record import FAILED, blind
from worker.protocol.settled import Result
from worker.protocol.words import final_word


def single(world, **changes):
    return world.post(
        named=[world.operators[0].id], seats=1, max_seats=1, expiry=world.now + 72 * 3600, **changes
    )


def test_accept__single_seat__pays(world):
    job = single(world)
    world.play(job, {0: A})

    world.jobs.accept(job.members, job.origin_members, 0, [blind(s) for s in A], sender=job.payer)

    assert seats_of(world.settled(job)) == [PAID]
    assert world.left(job) == world.locked(world.operators[0]) == 0
    servers = (world.operators[0].id,)
    result = Result(FULL, tuple(blind(s) for s in A), servers, world.now)
    assert world.jobs.batch_of(job.key, 0) == final_word(result.digest())


def test_accept__one_task_failed__earns_the_abort_fee(world):
    job = single(world)
    found = [A[0], FAILED]
    world.play(job, {0: found})

    world.jobs.accept(
        job.members, job.origin_members, 0, [blind(s) for s in found], sender=job.payer
    )

    settled = world.settled(job)
    assert masks_of(settled) == (0b01, 0b10, 0, 0)
    assert seats_of(settled) == [((PRICE + PRICE // 50) / 2, 0, BOND)]
    result = Result(0b01, (blind(A[0]),), (world.operators[0].id,), world.now)
    assert world.jobs.batch_of(job.key, 0) == final_word(result.digest())


def test_settle__single_seat_not_accepted__refunds_from_the_expiry(world):
    job = single(world)
    world.play(job, {0: A})
    world.go_to(job.terms.expiry - 1)
    with boa.reverts("jobs: settled too early"):
        world.settle(job)
    world.go_to(job.terms.expiry)
    with boa.reverts("jobs: past expiry"):
        world.jobs.accept(
            job.members, job.origin_members, 0, [blind(s) for s in A], sender=job.payer
        )

    settled = world.settle(job)

    assert seats_of(settled) == [BACK]
    assert world.escrow.credit_of(job.payer, 0) == job.terms.escrow


@pytest.mark.parametrize(("silence", "expected"), [(SILENT, BURNT), (IDLE, QUARTER)])
def test_settle__single_seat_silent__is_punished_without_waiting(world, silence, expected):
    job = single(world)
    world.play(job, {0: silence})

    settled = world.settle(job)

    assert seats_of(settled) == [expected]
    assert world.escrow.credit_of(job.payer, 0) == job.terms.escrow


def test_accept__several_seats__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: A})

    with boa.reverts("jobs: not a single seat"):
        world.jobs.accept(
            job.members, job.origin_members, 0, [blind(s) for s in A], sender=job.payer
        )


def test_accept__other_values__reverts(world):
    job = single(world)
    world.play(job, {0: A})

    with boa.reverts("jobs: wrong opening"):
        world.jobs.accept(
            job.members, job.origin_members, 0, [blind(s) for s in B], sender=job.payer
        )
