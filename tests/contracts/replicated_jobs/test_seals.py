"""Sealing and opening, one seat at a time: who, when, and that nothing else opens."""

import boa
import pytest

from tests.contracts.jobs_world import IDLE, digests, event, in_seats
from worker.protocol.record import blind

A = digests("a")


def test_seal__logs_and_keeps_the_digest(world):
    job = world.post()
    operator = in_seats(world, job)[1]
    digest = world.digest(job, operator, A)

    world.seal(job, operator, A)

    log = event(world, "ResultSealed")
    assert (log.job, log.operator, log.batch, log.round, log.digest) == (
        job.key,
        operator.id,
        0,
        0,
        digest,
    )
    kept = int.from_bytes(digest, "big") & ((1 << 255) - 1)
    assert world.jobs.seal_of(job.key, 0, 0, operator.id) == kept
    assert world.batch(job).sealed == 0b010


def test_seal__nobodys_key__reverts(world):
    job = world.post()
    in_seats(world, job)

    with boa.reverts("jobs: no seat"):
        world.jobs.seal(job.members, 0, bytes(32), sender=world.requesters[0])


@pytest.mark.parametrize(("offset", "is_open"), [(-1, True), (0, False), (1, False)])
def test_seal__at_the_windows_end(world, offset, is_open):
    job = world.post()
    operator = in_seats(world, job)[0]
    world.go_to(world.clock(job).run_until + offset)

    if is_open:
        world.seal(job, operator, A)
    else:
        with boa.reverts("jobs: seal closed"):
            world.seal(job, operator, A)


@pytest.mark.parametrize(("offset", "is_open"), [(-1, True), (0, False)])
def test_seal__claim_window_closed_unfilled__reverts(world, offset, is_open):
    job = world.post()
    operator = in_seats(world, job, 2)[0]
    world.go_to(world.clock(job).claim_until + offset)

    if is_open:
        world.seal(job, operator, A)
    else:
        with boa.reverts("jobs: round unfilled"):
            world.seal(job, operator, A)


# Openings


@pytest.mark.parametrize(("offset", "is_open"), [(-1, False), (0, True), (1, True)])
def test_reveal__one_seat_unsealed__from_the_run_windows_end(world, offset, is_open):
    job = world.post()
    operators = in_seats(world, job)
    for operator in operators[:2]:
        world.seal(job, operator, A)
    world.go_to(world.clock(job).run_until + offset)

    if is_open:
        world.reveal(job, operators[0], A)
        assert world.is_opened(job, operators[0])
    else:
        with boa.reverts("jobs: reveal not open"):
            world.reveal(job, operators[0], A)


@pytest.mark.parametrize(("offset", "is_open"), [(-1, True), (0, False), (1, False)])
def test_reveal__at_the_windows_end(world, offset, is_open):
    job = world.post()
    operators = in_seats(world, job)
    for operator in operators:
        world.seal(job, operator, A)
    world.go_to(world.clock(job).reveal_until + offset)

    if is_open:
        world.reveal(job, operators[0], A)
    else:
        with boa.reverts("jobs: reveal closed"):
            world.reveal(job, operators[0], A)


def test_reveal__all_sealed__opens_early_and_logs(world):
    job = world.post()
    for operator in in_seats(world, job):
        world.seal(job, operator, A)
    operator = world.operators[2]

    world.reveal(job, operator, A)

    log = event(world, "ResultRevealed")
    assert (log.job, log.operator, log.batch, log.round) == (job.key, operator.id, 0, 0)
    assert log.values == [blind(s) for s in A]


def test_reveal__not_all_seats_granted__reverts(world):
    job = world.post()
    operators = in_seats(world, job, 2)
    for operator in operators:
        world.seal(job, operator, A)

    with boa.reverts("jobs: reveal not open"):
        world.reveal(job, operators[0], A)


def test_reveal__twice__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: A})

    with boa.reverts("jobs: already opened"):
        world.reveal(job, world.operators[0], A)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_reveal__wrong_number_of_values__reverts(world, count):
    job = world.post()
    operators = in_seats(world, job)
    for operator in operators:
        world.seal(job, operator, digests("a", count))

    with boa.reverts("jobs: wrong opening"):
        world.reveal(job, operators[0], digests("a", count))


def test_reveal__seat_that_never_sealed__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: IDLE})

    with boa.reverts("jobs: wrong opening"):
        world.reveal(job, world.operators[2], A)
