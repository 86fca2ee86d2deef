"""Claims, seals and openings: who, when, in which order; the short path."""

import boa
import pytest
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import HOUR, IDLE, SILENT, digests, salt_of
from worker.protocol.record import FAILED, blind
from worker.protocol.sortition import eligible_from, ticket
from worker.protocol.words import JobWord, RoundWord

A, B = digests("a"), digests("b")


def in_seats(world, job, count=3):
    world.last_third(job)
    for operator in world.operators[:count]:
        world.claim(job, operator)
    return world.operators[:count]


def event(world, name):
    return [log for log in world.jobs.get_logs() if type(log).__name__ == name][-1]


# Claims


def test_claim__locks_the_bond_and_logs(world):
    job = world.post()
    operator = in_seats(world, job, 1)[0]

    log = event(world, "SeatClaimed")
    assert (log.job, log.operator, log.batch, log.round, log.seat) == (
        job.key,
        operator.id,
        0,
        0,
        0,
    )
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


# Seals


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


# The short path


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
    assert (settled.paid_mask, settled.values) == (0b11, values)
    assert world.batch(job).is_final
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


# Settling in time


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
