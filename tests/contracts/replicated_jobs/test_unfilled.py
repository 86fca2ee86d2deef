"""Base rounds that too few operators join: raise_price, cancel, expire."""

import boa
import pytest

from tests.contracts.jobs_world import HOUR, NO_PERMIT, TOKEN, digests
from worker.protocol.words import GWEI, RoundWord

A, B = digests("a"), digests("b")
PRICE = TOKEN // 10


def unfilled(world, claims=2, **changes):
    """Return a job whose first batch got `claims` seats, at the end of the claim window."""
    job = world.post(**changes)
    world.last_third(job)
    for operator in world.operators[:claims]:
        world.claim(job, operator)
    world.go_to(world.clock(job).claim_until)
    return job


def raise_price(world, job, price=PRICE + 1, batches=(0,), sender=None):
    world.jobs.raise_price(
        job.members,
        job.origin_members,
        list(batches),
        price,
        NO_PERMIT,
        sender=sender or job.payer,
    )


def closed(world):
    return [log for log in world.jobs.get_logs() if type(log).__name__ == "BatchClosed"]


def test_raise_price__starts_a_round_and_frees_the_seats(world):
    job = unfilled(world)

    raise_price(world, job, 2 * PRICE)

    word = world.batch(job)
    assert (word.operators, word.round, word.opened_at) == ((), 1, world.now)
    draw = RoundWord.unpack(world.jobs.round_of(job.key, 0))
    assert draw == RoundWord(2 * PRICE, 0b11, boa.env.evm.patch.block_number + 1, 0)
    assert all(world.locked(operator) == 0 for operator in world.operators)
    assert world.left(job) == 2 * job.terms.escrow


def test_raise_price__pays_the_new_price_and_refunds_the_rest(world):
    job = unfilled(world)
    raise_price(world, job, 2 * PRICE)
    world.wait(1)
    world.play(job, {0: A, 1: A, 2: A})

    settled = world.settle(job)

    assert [seat >> 24 & (2**96 - 1) for seat in settled.seats] == [4 * PRICE] * 3
    assert world.escrow.credit_of(job.payer, 0) == 2 * 5 * 2 * PRICE - 3 * 4 * PRICE
    assert world.left(job) == 0


def test_raise_price__growth_after_it__keeps_the_price_and_reads_the_right_round(world):
    job = unfilled(world)
    raise_price(world, job, 2 * PRICE)
    world.wait(1)
    world.play(job, {0: A, 1: A, 2: B})
    world.settle(job)
    assert world.batch(job).round == 2
    world.play(job, {3: A, 4: A})

    settled = world.settle(job)

    assert settled.paid_mask == 0b11
    assert world.left(job) == 0


def test_raise_price__third_time__reverts(world):
    job = unfilled(world)
    for step in (1, 2):
        raise_price(world, job, PRICE + step)
        world.go_to(world.clock(job).claim_until)

    with boa.reverts("jobs: raise closed"):
        raise_price(world, job, PRICE + 3)


@pytest.mark.parametrize(
    ("offset", "reason"),
    [(-1, "jobs: nothing to raise"), (HOUR - 1, None), (HOUR, "jobs: raise closed")],
)
def test_raise_price__within_one_claim_window_after(world, offset, reason):
    job = world.post()
    world.go_to(world.clock(job).claim_until + offset)

    if reason is None:
        raise_price(world, job)
    else:
        with boa.reverts(reason):
            raise_price(world, job)


def test_raise_price__filled_or_growing__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    with boa.reverts("jobs: nothing to raise"):
        raise_price(world, job)
    world.settle(job)
    world.go_to(world.clock(job).claim_until)
    with boa.reverts("jobs: nothing to raise"):
        raise_price(world, job)


def test_raise_price__not_the_payer__reverts(world):
    job = unfilled(world)

    with boa.reverts("jobs: not the payer"):
        raise_price(world, job, sender=world.requesters[1])


@pytest.mark.parametrize("price", [PRICE, PRICE - 1])
def test_raise_price__not_higher__reverts(world, price):
    job = unfilled(world)

    with boa.reverts("jobs: price not raised"):
        raise_price(world, job, price)


def test_raise_price__above_the_bond__reverts(world):
    job = unfilled(world)
    bond = job.terms.bond * GWEI

    with boa.reverts("jobs: bad bond"):
        raise_price(world, job, bond + 1)
    raise_price(world, job, bond)


def test_raise_price__twice_at_the_last_second__still_fits_the_earliest_expiry(world):
    job = world.post(expiry=world.now + 10 * HOUR)
    for step in (1, 2):
        world.go_to(world.clock(job).claim_until + HOUR - 1)
        raise_price(world, job, PRICE + step)
    world.wait(1)

    world.play(job, {0: A, 1: A, 2: B})
    world.settle(job)
    world.play(job, {3: A, 4: A})

    assert world.settle(job).paid_mask == 0b11


def test_raise_price__paused__reverts_and_expires_later(world):
    job = unfilled(world)
    world.escrow.pause(2 * HOUR, sender=world.net.guardian)

    with boa.reverts("escrow: postings are paused"):
        raise_price(world, job)
    world.go_to(world.clock(job).claim_until + HOUR)
    world.jobs.expire(job.members, [0])
    assert world.left(job) == 0


def test_raise_price__same_batch_twice__reverts(world):
    job = unfilled(world)

    with boa.reverts("jobs: nothing to raise"):
        raise_price(world, job, batches=(0, 0))


def test_cancel__no_seat_taken__refunds_at_once(world):
    job = world.post(tasks=4)

    world.jobs.cancel(job.members, job.origin_members, [0, 1], sender=job.payer)

    logs = closed(world)
    assert [(log.job, log.batch, log.reason) for log in logs] == [(job.key, 0, 2), (job.key, 1, 2)]
    assert sum(log.refund for log in logs) == job.terms.escrow
    assert world.escrow.credit_of(job.payer, 0) == job.terms.escrow
    with boa.reverts("jobs: batch final"):
        world.claim(job, world.operators[0])


def test_cancel__same_batch_twice__reverts(world):
    job = world.post(tasks=4)

    with boa.reverts("jobs: batch final"):
        world.jobs.cancel(job.members, job.origin_members, [0, 0], sender=job.payer)


@pytest.mark.parametrize(("offset", "is_idle"), [(-1, False), (0, True)])
def test_cancel__seats_taken__only_once_the_window_closed_unfilled(world, offset, is_idle):
    job = world.post()
    world.last_third(job)
    world.claim(job, world.operators[0])
    world.go_to(world.clock(job).claim_until + offset)

    if is_idle:
        world.jobs.cancel(job.members, job.origin_members, [0], sender=job.payer)
        assert world.locked(world.operators[0]) == 0
    else:
        with boa.reverts("jobs: seats taken"):
            world.jobs.cancel(job.members, job.origin_members, [0], sender=job.payer)


def test_cancel__filled_or_growing__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    for _ in range(2):
        world.go_to(world.clock(job).claim_until)
        with boa.reverts("jobs: seats taken"):
            world.jobs.cancel(job.members, job.origin_members, [0], sender=job.payer)
        if not world.batch(job).base:
            world.settle(job)


def test_cancel__not_the_payer__reverts(world):
    job = world.post()

    with boa.reverts("jobs: not the payer"):
        world.jobs.cancel(job.members, job.origin_members, [0], sender=world.requesters[1])


@pytest.mark.parametrize(("offset", "is_over"), [(-1, False), (0, True), (1, True)])
def test_expire__after_the_payers_time(world, offset, is_over):
    job = unfilled(world)
    world.go_to(world.clock(job).claim_until + HOUR + offset)

    if is_over:
        world.jobs.expire(job.members, [0])
        log = closed(world)[0]
        assert (log.job, log.batch, log.reason, log.refund) == (job.key, 0, 1, job.terms.escrow)
        assert world.escrow.credit_of(job.payer, 0) == job.terms.escrow
        assert all(world.locked(operator) == 0 for operator in world.operators)
    else:
        with boa.reverts("jobs: expired too early"):
            world.jobs.expire(job.members, [0])


def test_expire__raised_round__refunds_the_raised_reserve(world):
    job = unfilled(world)
    raise_price(world, job, 2 * PRICE)
    world.go_to(world.clock(job).claim_until + HOUR)

    world.jobs.expire(job.members, [0])

    assert world.escrow.credit_of(job.payer, 0) == 2 * job.terms.escrow
    assert world.left(job) == 0


def test_expire__filled_or_growing__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    with boa.reverts("jobs: round filled"):
        world.jobs.expire(job.members, [0])
    world.settle(job)
    world.go_to(world.clock(job).reveal_until)
    with boa.reverts("jobs: round filled"):
        world.jobs.expire(job.members, [0])
