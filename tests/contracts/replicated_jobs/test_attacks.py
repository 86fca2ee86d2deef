"""What people may try in order to be paid without work, or to hurt those that worked."""

import boa
import pytest

from tests.contracts.jobs_world import IDLE, NO_PERMIT, SILENT, digests, salt_of
from worker.protocol.record import FAILED, blind
from worker.protocol.seals import seal_digest

A, B, C = digests("a"), digests("b"), digests("c")


def growing(world, **changes):
    """Return a job whose batch has just grown over a dissent of operator 2."""
    job = world.post(**changes)
    world.play(job, {0: A, 1: A, 2: B})
    world.settle(job)
    return job


def test_reveal__growth_copies_opened_values__stands_alone(world):
    job = growing(world)
    copied = [blind(s) for s in A]

    world.play(job, {3: copied, 4: A})
    settled = world.settle(job)

    assert settled.paid_mask == 0b11
    lost = {seat & 0xFFFFFF: seat >> 120 & (2**64 - 1) for seat in settled.seats}
    assert lost[world.operators[3].id] == 2 * job.terms.bond


def test_claim__base_seat_in_growth__reverts(world):
    job = growing(world)
    world.last_third(job)

    with boa.reverts("jobs: has a seat"):
        world.claim(job, world.operators[0])


def test_seal__base_seat_in_growth__reverts(world):
    job = growing(world)

    with boa.reverts("jobs: no seat"):
        world.seal(job, world.operators[0], B)


def test_reveal__base_seat_in_growth__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: B, 2: SILENT})
    world.settle(job)
    world.last_third(job)
    for operator in world.operators[3:5]:
        world.claim_sealed(job, operator, A)

    for salt in (bytes(32), salt_of(world.operators[2].id, 0)):
        with boa.reverts("jobs: wrong opening"):
            world.jobs.reveal(job.members, 0, world.operators[2].id, [FAILED] * 2, salt)


def test_claim__second_seat__reverts(world):
    job = world.post()
    world.last_third(job)
    world.claim(job, world.operators[0])

    with boa.reverts("jobs: has a seat"):
        world.claim(job, world.operators[0])


def test_seal__again_after_others_opened__reverts(world):
    job = world.post()
    world.last_third(job)
    for operator in world.operators[:3]:
        world.claim_sealed(job, operator, A)
    world.reveal(job, world.operators[0], A)

    with boa.reverts("jobs: already sealed"):
        world.seal(job, world.operators[1], B)


@pytest.mark.parametrize("path", ["settle", "conclude"])
def test_seal__after_the_end_cleared_the_seals__cannot_be_made_again(world, path):
    """What is cleared for its refund looks as if it had never been sealed."""
    job = world.post()
    world.last_third(job)
    for operator in world.operators[:3]:
        world.claim_sealed(job, operator, A)
    if path == "settle":
        for operator in world.operators[:3]:
            world.reveal(job, operator, A)
        world.settle(job)
    else:
        salts = [salt_of(operator.id, 0) for operator in world.operators[:3]]
        world.jobs.conclude(job.members, 0, [blind(s) for s in A], salts)
    ended = world.jobs.batch_of(job.key, 0)
    thief, partner = world.operators[0], world.operators[3]
    digest = seal_digest(job.key, 0, 0, thief.id, [blind(s) for s in B], bytes(32))

    for call in (
        lambda: world.jobs.seal(job.members, 0, digest, sender=thief.worker),
        lambda: world.jobs.claim_sealed(job.members, 0, (0, []), digest, sender=partner.worker),
        lambda: world.jobs.reveal(
            job.members, 0, thief.id, [blind(s) for s in A], salt_of(thief.id, 0)
        ),
        lambda: world.jobs.settle(job.members, 0, [[blind(s) for s in B]], 0),
    ):
        with boa.reverts("jobs: batch final"):
            call()
    for operator in world.operators[:4]:
        assert world.jobs.seal_of(job.key, 0, 0, operator.id) == 0
    assert world.jobs.batch_of(job.key, 0) == ended


def test_settle__batch_that_grows__keeps_the_seals_that_it_still_needs(world):
    """A contested base round is read again when growth is settled: its openings must stand."""
    job = growing(world)
    base = [world.jobs.seal_of(job.key, 0, 0, operator.id) for operator in world.operators[:3]]
    assert all(base)

    world.play(job, {3: A, 4: A})
    for answers in ([[blind(s) for s in A]], [[blind(s) for s in C], [blind(s) for s in A]]):
        with boa.reverts("jobs: wrong answers"):  # the dissenter cannot be talked over
            world.jobs.settle(job.members, 0, answers, 0)
    world.settle(job)

    records = [
        world.jobs.seal_of(job.key, 0, number, operator.id)
        for number in range(2)
        for operator in world.operators[:5]
    ]
    assert not any(records)


def test_seal__of_a_round_that_was_raised__is_void(world):
    job = world.post()
    world.last_third(job)
    world.claim_sealed(job, world.operators[0], A)
    world.go_to(world.clock(job).claim_until)
    world.jobs.raise_price(
        job.members,
        job.origin_members,
        [0],
        2 * job.terms.price,
        NO_PERMIT,
        sender=job.payer,
    )
    world.wait(1)
    world.last_third(job)
    for operator in world.operators[:3]:
        world.claim(job, operator)
    for operator in world.operators[1:3]:
        world.seal(job, operator, A)
    world.go_to(world.clock(job).run_until)

    with boa.reverts("jobs: wrong opening"):
        world.reveal(job, world.operators[0], A)
    assert world.batch(job).sealed == 0b110


def test_claim_sealed__copied_digest__cannot_open(world):
    job = world.post()
    world.last_third(job)
    world.claim_sealed(job, world.operators[0], A)
    stolen = world.digest(job, world.operators[0], A)
    thief = world.operators[1]
    world.jobs.claim_sealed(job.members, 0, (0, []), stolen, sender=thief.worker)
    world.claim_sealed(job, world.operators[2], A)
    values = [blind(s) for s in A]

    for salt in (salt_of(world.operators[0].id, 0), salt_of(thief.id, 0)):
        with boa.reverts("jobs: wrong opening"):
            world.jobs.reveal(job.members, 0, thief.id, values, salt)


@pytest.mark.parametrize("wrong", ["batch", "operator", "round", "salt", "values"])
def test_reveal__anything_else_than_sealed__reverts(world, wrong):
    job = world.post(tasks=4)
    world.last_third(job)
    operator = world.operators[0]
    values = [blind(s) for s in A]
    salt = salt_of(operator.id, 0)
    sealed = {
        "batch": (1, 0, operator.id, values, salt),
        "operator": (0, 0, world.operators[1].id, values, salt),
        "round": (0, 1, operator.id, values, salt),
        "salt": (0, 0, operator.id, values, bytes(32)),
        "values": (0, 0, operator.id, values[::-1], salt),
    }[wrong]
    digest = seal_digest(job.key, *sealed)
    world.jobs.claim_sealed(job.members, 0, (0, []), digest, sender=operator.worker)
    for other in world.operators[1:3]:
        world.claim_sealed(job, other, A)

    with boa.reverts("jobs: wrong opening"):
        world.jobs.reveal(job.members, 0, operator.id, values, salt)


def test_settle__caller_hides_an_opening__reverts(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    answers, _ = world.answers(job)

    for choice in (0b111_000_000, 0b000_000_000, 0b111_111_111):
        with boa.reverts("jobs: wrong answers"):
            world.jobs.settle(job.members, 0, answers, choice)


def test_settle__caller_gives_voice_to_the_silent__is_ignored(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: SILENT})
    answers, _ = world.answers(job)

    world.jobs.settle(job.members, 0, answers, 0)

    settled = world.settled(job)
    assert settled.seats[2] >> 24 & (2**96 - 1) == 0
    assert settled.seats[2] >> 120 & (2**64 - 1) == 2 * job.terms.bond


def test_settle__same_list_twice__same_outcome(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: A})
    values = [blind(s) for s in A]

    world.jobs.settle(job.members, 0, [values, values, values], 0b010_001_000)

    assert world.settled(job).paid_mask == 0b11
    assert world.left(job) == 0


def test_accept__not_the_payer__reverts(world):
    named = [world.operators[0].id]
    job = world.post(named=named, seats=1, max_seats=1)
    world.play(job, {0: A})
    values = [blind(s) for s in A]

    with boa.reverts("jobs: not the payer"):
        world.jobs.accept(job.members, job.origin_members, 0, values, sender=world.requesters[1])


def test_post_job__another_payers_origin__is_bound_to_the_sender(world):
    job = world.post()

    key = world.jobs.post_job(
        job.terms.a,
        job.terms.b - job.terms.posted_at,
        bytes(32),
        job.origin_members,
        b"",
        NO_PERMIT,
        sender=world.requesters[1],
    )

    assert key != job.key
    with boa.reverts("jobs: not the payer"):
        world.jobs.cancel(job.members, job.origin_members, [0], sender=world.requesters[1])


def test_claim__new_stake_after_the_seed__has_no_weight(world):
    late = world.join("late", 5_000)
    job = world.post()
    world.last_third(job)

    with boa.reverts("jobs: not drawn"):
        world.claim(job, late)


def test_claim__replaced_key__reverts(world):
    job = world.post()
    world.last_third(job)
    operator = world.operators[0]
    world.claim(job, operator)
    world.replace_key(operator)

    with boa.reverts("jobs: no seat"):
        world.seal(job, operator, A)
    with boa.reverts("staking: not a worker key"):
        world.claim(job, operator)


def test_settle__stake_leaving__is_still_burnt(world):
    job = world.post()
    world.last_third(job)
    for operator in world.operators[:3]:
        world.claim_sealed(job, operator, A)
    liar = world.operators[2]
    before = world.token.totalSupply()
    world.staking.unstake(liar.id, 5_000 * 10**18, sender=liar.owner)
    for operator in world.operators[:2]:
        world.reveal(job, operator, A)
    world.go_to(world.clock(job).reveal_until)

    world.settle(job)

    assert before - world.token.totalSupply() == 2 * job.terms.bond * 10**9


@pytest.mark.parametrize("silence", [SILENT, IDLE])
def test_settle__silent_base_seat__does_not_speak_in_growth(world, silence):
    job = world.post()
    world.play(job, {0: A, 1: B, 2: silence})
    first = world.settle(job)
    world.play(job, {3: A, 4: A})

    second = world.settle(job)

    assert first.contested_mask == second.paid_mask == 0b11
    ids = [seat & 0xFFFFFF for seat in second.seats]
    assert world.operators[2].id not in ids
    assert all(world.locked(operator) == 0 for operator in world.operators)
    assert world.left(job) == 0
