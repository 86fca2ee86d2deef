"""The short path: all seals of a batch opened at once."""

import boa
import pytest

from tests.contracts.jobs_world import HOUR, digests, salt_of
from worker.protocol.record import FAILED, blind
from worker.protocol.settled import Result
from worker.protocol.words import final_word

A, B = digests("a"), digests("b")


def concluding(world, job, results=(A, A, A)):
    world.last_third(job)
    for operator, found in zip(world.operators, results, strict=False):
        world.claim_sealed(job, operator, found)
    return [blind(s) for s in results[0]], [salt_of(o.id, 0) for o in world.operators[:3]]


def test_conclude__all_agree__pays_all(world):
    job = world.post()
    values, salts = concluding(world, job)

    world.jobs.conclude(job.members, 0, values, salts)

    settled = world.settled(job)
    servers = tuple(operator.id for operator in world.operators[:3])
    result = Result(0b11, tuple(values), servers, world.now)
    assert Result.of_event(settled._asdict()) == result
    assert world.jobs.batch_of(job.key, 0) == final_word(result.digest())
    assert world.left(job) == 0
    assert all(world.locked(operator) == 0 for operator in world.operators)
    assert not any(type(log).__name__ == "ResultRevealed" for log in world.jobs.get_logs())


def test_conclude__one_seat_opened_already__its_salt_is_not_read(world):
    job = world.post()
    values, salts = concluding(world, job)
    world.reveal(job, world.operators[1], A)

    world.jobs.conclude(job.members, 0, values, [salts[0], bytes(32), salts[2]])

    assert world.batch(job).is_final


def test_conclude__one_seat_opened_something_else__reverts(world):
    job = world.post()
    values, salts = concluding(world, job, (A, B, A))
    world.reveal(job, world.operators[1], B)

    with boa.reverts("jobs: wrong opening"):
        world.jobs.conclude(job.members, 0, values, salts)


def test_conclude__one_seat_disagrees__reverts(world):
    job = world.post()
    values, salts = concluding(world, job, (A, A, B))

    with boa.reverts("jobs: wrong opening"):
        world.jobs.conclude(job.members, 0, values, salts)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_conclude__wrong_number_of_salts__reverts(world, count):
    job = world.post()
    values, salts = concluding(world, job)

    with boa.reverts("jobs: wrong opening"):
        world.jobs.conclude(job.members, 0, values, (salts * 2)[:count])


def test_conclude__failed_value__reverts(world):
    job = world.post()
    values, salts = concluding(world, job, ([A[0], FAILED],) * 3)

    with boa.reverts("jobs: failed value"):
        world.jobs.conclude(job.members, 0, values, salts)


def test_conclude__not_all_sealed__reverts(world):
    job = world.post()
    values, salts = concluding(world, job, (A, A))

    with boa.reverts("jobs: reveal not open"):
        world.jobs.conclude(job.members, 0, values, salts)


@pytest.mark.parametrize(("offset", "is_open"), [(-1, True), (0, False)])
def test_conclude__at_the_reveal_windows_end(world, offset, is_open):
    job = world.post()
    values, salts = concluding(world, job)
    world.go_to(world.clock(job).reveal_until + offset)

    if is_open:
        world.jobs.conclude(job.members, 0, values, salts)
    else:
        with boa.reverts("jobs: reveal closed"):
            world.jobs.conclude(job.members, 0, values, salts)


def test_conclude__growth_or_single_seat__reverts(world):
    grown = world.post()
    world.play(grown, {0: A, 1: A, 2: B})
    world.settle(grown)
    single = world.post(
        named=[world.operators[0].id], seats=1, max_seats=1, expiry=world.now + 72 * HOUR
    )

    for job in (grown, single):
        with boa.reverts("jobs: no short path"):
            world.jobs.conclude(job.members, 0, [], [])
