"""Taking seats: who is drawn, when, and what keeps the others out."""

import boa
import pytest
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import HOUR, digests, event, in_seats
from worker.protocol.sortition import eligible_from, ticket
from worker.protocol.words import JobWord, RoundWord

A, B = digests("a"), digests("b")


def test_claim__locks_the_bond_and_logs(world):
    job = world.post()
    operator = in_seats(world, job, 1)[0]

    log = event(world, "SeatClaimed")
    assert (log.job, log.operator, log.batch, log.round) == (job.key, operator.id, 0, 0)
    assert world.locked(operator) == 2 * job.terms.bond
    assert world.batch(job).operators == (operator.id,)


def test_claim__every_operator__from_its_twins_second_on(world):
    job = world.post()
    boa.env.evm.patch.block_number += 1
    clock = world.clock(job)
    probe = world.operators[0]
    with boa.env.anchor():
        world.last_third(job)
        world.claim(job, probe)
        seed = JobWord.unpack(world.jobs.job_of(job.key)).seed
    weight, total = 5_000, 35_000
    tried = 0
    for operator in world.operators:
        drawn = ticket(seed, job.key, 0, operator.id)
        moment = eligible_from(drawn, clock, 3, weight, total)
        with boa.env.anchor():
            boa.env.evm.patch.block_number += 2  # as the anchor above had when it was captured
            if moment > clock.opened_at:
                boa.env.evm.patch.timestamp = moment - 1
                with boa.reverts("jobs: not drawn"):
                    world.claim(job, operator)
                tried += 1
            boa.env.evm.patch.timestamp = max(moment, world.now)
            world.claim(job, operator)
    assert tried


def test_claim__before_the_seeds_block_is_past__reverts(world):
    job = world.post()
    boa.env.evm.patch.block_number -= 1

    with boa.reverts("jobs: seed pending"):
        world.claim(job, world.operators[0])


@pytest.mark.parametrize("lapsed", [256, 257, 512, 513, 768])
def test_claim__seed_lapsed_up_to_twice__is_drawn_later(world, lapsed):
    job = world.post()
    height = JobWord.unpack(world.jobs.job_of(job.key)).seed_height
    world.last_third(job)
    boa.env.evm.patch.block_number = height + lapsed

    world.claim(job, world.operators[0])

    # `prev_hashes` of the test chain are told by their depth.
    depth = (lapsed - 1) % 256
    hashed = int.from_bytes(keccak(text=f"block/{depth}"), "big")
    assert JobWord.unpack(world.jobs.job_of(job.key)).seed == hashed & ((1 << 192) - 1)


def test_claim__seed_lapsed_for_ever__ends_unfilled(world):
    job = world.post()
    height = JobWord.unpack(world.jobs.job_of(job.key)).seed_height
    world.last_third(job)
    boa.env.evm.patch.block_number = height + 769

    with boa.reverts("jobs: seed lapsed"):
        world.claim(job, world.operators[0])
    world.go_to(world.clock(job).claim_until + HOUR)
    world.jobs.expire(job.members, [0])
    assert world.left(job) == 0


def test_claim__captured_seed__never_changes(world):
    job = world.post()
    in_seats(world, job, 1)
    seed = world.jobs.job_of(job.key)
    world.wait(1, blocks=1_000)

    world.claim(job, world.operators[1])

    assert world.jobs.job_of(job.key) == seed


@pytest.mark.parametrize(("offset", "is_open"), [(-1, True), (0, False), (1, False)])
def test_claim__at_the_windows_end(world, offset, is_open):
    job = world.post()
    world.go_to(world.clock(job).claim_until + offset)

    if is_open:
        world.claim(job, world.operators[0])
    else:
        with boa.reverts("jobs: claim closed"):
            world.claim(job, world.operators[0])


def test_claim__filled__reverts(world):
    job = world.post()
    in_seats(world, job)

    with boa.reverts("jobs: no seat left"):
        world.claim(job, world.operators[3])


def test_claim__growth_too_late_for_the_expiry__reverts_and_ends_in_a_tie(world):
    job = world.post(expiry=world.now + 10 * HOUR)
    world.play(job, {0: A, 1: A, 2: B})
    world.go_to(job.terms.expiry - 3 * HOUR + 1)
    world.settle(job)
    world.wait(1)

    with boa.reverts("jobs: past expiry"):
        world.claim(job, world.operators[3])


def test_claim__above_the_operators_ceiling__reverts(world):
    operator = world.operators[0]
    job = world.post()
    ceiling = 10**9 + 2 * job.terms.bond - 1
    world.staking.opt_in(operator.id, world.jobs, ceiling, sender=operator.owner)
    world.last_third(job)

    with boa.reverts("staking: above the opt-in ceiling"):
        world.claim(job, operator)


def test_claim__named__members_at_once_without_a_seed(world):
    named = [world.operators[index].id for index in (4, 0, 2)]
    job = world.post(named=named, seats=3, max_seats=5)

    for index in (0, 2, 4):
        world.claim(job, world.operators[index])

    assert JobWord.unpack(world.jobs.job_of(job.key)).seed == 0
    assert world.batch(job).is_filled(job.terms)


def test_claim__named__others_revert(world):
    named = [operator.id for operator in world.operators[:3]]
    job = world.post(named=named)
    stranger = world.operators[5]
    proofs = [job.proof(named[0]), (0, []), (5, job.proof(named[1])[1]), (1, [job.terms.named])]

    for proof in proofs:
        with boa.reverts("jobs: not named"):
            world.jobs.claim(job.members, 0, proof, sender=stranger.worker)


def test_claim__named__growth_takes_members_too(world):
    named = [operator.id for operator in world.operators[:5]]
    job = world.post(named=named)
    world.play(job, {0: A, 1: A, 2: B})
    world.settle(job)

    with boa.reverts("jobs: not named"):
        world.claim(job, world.operators[5])
    world.claim(job, world.operators[3])


def test_claim__growth__has_a_seed_of_its_own(world):
    job = world.post()
    world.play(job, {0: A, 1: A, 2: B})
    world.settle(job)
    log = event(world, "RoundOpened")
    word = RoundWord.unpack(world.jobs.round_of(job.key, 0))
    assert (log.round, log.price, log.mask, log.seed_height) == (
        1,
        word.price,
        0b11,
        word.seed_height,
    )
    assert (word.price, word.mask, word.seed) == (job.terms.price, 0b11, 0)
    assert word.seed_height == boa.env.evm.patch.block_number + 1
    with boa.reverts("jobs: seed pending"):
        world.claim(job, world.operators[3])
    world.last_third(job)

    world.claim(job, world.operators[3])

    assert RoundWord.unpack(world.jobs.round_of(job.key, 0)).seed != 0


def test_claim__batches__are_independent(world):
    job = world.post(tasks=5, batch_log2=1)
    world.last_third(job)
    for batch in range(3):
        world.claim(job, world.operators[0], batch)

    assert world.locked(world.operators[0]) == 5 * job.terms.bond
    with boa.reverts("jobs: unknown batch"):
        world.claim(job, world.operators[0], 3)
