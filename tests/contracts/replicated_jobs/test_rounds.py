"""When a round may be settled, and that a final batch takes no call any more."""

import boa
import pytest

from tests.contracts.jobs_world import SILENT, digests, in_seats
from worker.protocol.record import blind

A, B = digests("a"), digests("b")


def test_settle__base_round_not_filled__reverts(world):
    job = world.post()
    in_seats(world, job, 2)
    world.go_to(world.clock(job).reveal_until)

    with boa.reverts("jobs: seats missing"):
        world.settle(job)


def test_settle__somebody_may_still_seal__reverts(world):
    job = world.post()
    for operator in in_seats(world, job)[:2]:
        world.seal(job, operator, A)

    with boa.reverts("jobs: settled too early"):
        world.settle(job)


@pytest.mark.parametrize(("offset", "is_over"), [(-1, False), (0, True), (1, True)])
def test_settle__a_seal_is_not_opened__from_the_reveal_windows_end(world, offset, is_over):
    job = world.post()
    for operator in in_seats(world, job):
        world.seal(job, operator, A)
    for operator in world.operators[:2]:
        world.reveal(job, operator, A)
    world.go_to(world.clock(job).reveal_until + offset)

    if is_over:
        assert world.settle(job).paid_mask == 0b11
    else:
        with boa.reverts("jobs: settled too early"):
            world.settle(job)


def test_settle__nobody_sealed__right_after_the_run_window(world):
    job = world.post()
    in_seats(world, job)
    world.go_to(world.clock(job).run_until)

    world.settle(job)

    assert world.batch(job).is_final


def test_settle__missing_or_wrong_list__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: SILENT})
    values = [blind(s) for s in A]

    for answers in ([], [values[:1]], [[blind(s) for s in B]]):
        with boa.reverts("jobs: wrong answers"):
            world.jobs.settle(job.members, 0, answers, 0)


def test_calls__final_batch__revert(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: A})
    world.settle(job)
    operator = world.operators[0]
    jobs, members = world.jobs, job.members
    calls = [
        lambda: world.claim(job, world.operators[3]),
        lambda: world.claim_sealed(job, world.operators[3], A),
        lambda: world.seal(job, operator, B),
        lambda: jobs.reveal(members, 0, operator.id, [bytes(32)] * 2, bytes(32)),
        lambda: jobs.conclude(members, 0, [], []),
        lambda: jobs.settle(members, 0, [], 0),
        lambda: jobs.expire(members, [0]),
        lambda: jobs.cancel(members, job.origin_members, [0], sender=job.payer),
        lambda: jobs.accept(members, job.origin_members, 0, [], sender=job.payer),
    ]
    for call in calls:
        with boa.reverts("jobs: batch final"):
            call()
