"""post_job: what terms may be, what is drawn, what is logged."""

import boa
import pytest
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import HOUR, NO_PERMIT, TOKEN, terms_of
from worker.protocol.words import GWEI, JobWord, OnDissent

ORIGIN = (7, *(keccak(text=part) for part in ("program", "inputs", "manifest")))
SETTLE = OnDissent.SETTLE
DAY = 86_400


def post(world, named=bytes(32), a_bits=0, b_bits=0, **changes):
    """Post terms as they are, with extra bits set in their words."""
    terms = terms_of(**changes)
    payer = world.requesters[0]
    return world.jobs.post_job(
        terms.a | a_bits, terms.b | b_bits, named, ORIGIN, b"here", NO_PERMIT, sender=payer
    )


def test_post_job__draws_the_reserve_and_logs(world):
    before = world.token.balanceOf(world.requesters[0])

    job = world.post()

    terms = job.terms
    assert before - world.token.balanceOf(job.payer) == 2 * 5 * TOKEN // 10 == terms.escrow
    assert world.left(job) == terms.escrow
    assert job.key == terms.key(boa.env.evm.patch.chain_id, world.jobs.address)
    height = boa.env.evm.patch.block_number - 2 + 1
    assert JobWord.unpack(world.jobs.job_of(job.key)) == JobWord(height, 0)


def test_post_job__logs_everything_to_rebuild_the_terms(world):
    key = post(world)

    log = next(log for log in world.jobs.get_logs() if type(log).__name__ == "JobPosted")
    terms = terms_of().posted(world.now)
    assert (log.job, log.payer, log.program) == (key, world.requesters[0], ORIGIN[1])
    assert (log.a, log.b, log.named) == (terms.a, terms.b, bytes(32))
    assert (log.nonce, log.inputs, log.manifest, log.locators) == (
        *ORIGIN[:1],
        *ORIGIN[2:],
        b"here",
    )


def test_post_job__same_job_in_the_same_second__reverts(world):
    post(world)

    with boa.reverts("jobs: already posted"):
        post(world)


NAMED = bytes(31) + b"\1"
BAD = [
    ("jobs: bad seats", {"seats": 0}),
    ("jobs: bad seats", {"seats": 1, "max_seats": 1}),
    ("jobs: bad seats", {"seats": 1, "max_seats": 3, "named": NAMED}),
    ("jobs: bad seats", {"seats": 2, "max_seats": 4, "on_dissent": SETTLE}),
    ("jobs: bad seats", {"seats": 4, "max_seats": 3, "on_dissent": SETTLE}),
    ("jobs: bad seats", {"seats": 3, "max_seats": 4}),
    ("jobs: bad seats", {"seats": 5, "max_seats": 5}),
    ("jobs: bad batch size", {"batch_log2": 6}),
    ("jobs: bad price", {"price": 0}),
    ("jobs: bad bond", {"bond": 0}),
    ("jobs: bad bond", {"bond": TOKEN // 10 // GWEI - 1}),
    ("jobs: bad bond", {"bond": 2**63}),
    ("jobs: bad windows", {"claim": 59}),
    ("jobs: bad windows", {"claim": HOUR + 1}),
    ("jobs: bad windows", {"run": 59}),
    ("jobs: bad windows", {"run": 2 * DAY + 1}),
    ("jobs: bad windows", {"reveal": 59}),
    ("jobs: bad windows", {"reveal": DAY + 1}),
]


@pytest.mark.parametrize(("what", "changes"), BAD)
def test_post_job__terms_out_of_bounds__reverts(world, what, changes):
    with boa.reverts(what):
        post(world, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"seats": 2, "max_seats": 5},
        {"seats": 2, "max_seats": 5, "on_dissent": SETTLE},
        {"seats": 3, "max_seats": 3, "on_dissent": SETTLE},
        {"seats": 6, "max_seats": 7},
        {"seats": 7, "max_seats": 7, "on_dissent": SETTLE},
        {"bond": TOKEN // 10 // GWEI},
        {"tasks": 1 << 20, "price": 1, "bond": 1, "batch_log2": 5},
        {"claim": 60, "run": 60, "reveal": 60},
    ],
)
def test_post_job__terms_at_the_bounds__are_taken(world, changes):
    post(world, **changes)


def test_post_job__expiry__between_the_worst_case_and_sixty_days(world):
    worst = world.now + (4 + 2 * 3) * HOUR
    for expiry in (worst - 1, world.now + 60 * DAY + 1):
        with boa.reverts("jobs: bad expiry"):
            post(world, expiry=expiry)
    post(world, expiry=worst)
    post(world, expiry=world.now + 60 * DAY)


def test_post_job__single_seat__expires_within_max_lock(world):
    single = {"seats": 1, "max_seats": 1, "named": NAMED}
    with boa.reverts("jobs: bad expiry"):
        post(world, **single, expiry=world.now + world.jobs.max_lock() + 1)
    post(world, **single, expiry=world.now + world.jobs.max_lock())


@pytest.mark.parametrize("bit", [212, 227, 228, 255])
def test_post_job__court_or_spare_bit_in_a__reverts(world, bit):
    with boa.reverts("jobs: spare bits"):
        post(world, a_bits=1 << bit)


@pytest.mark.parametrize("bit", [0, 39, 112, 135, 176, 255])
def test_post_job__posted_at_challenge_or_spare_bit_in_b__reverts(world, bit):
    with boa.reverts("jobs: spare bits"):
        post(world, b_bits=1 << bit)


def test_post_job__paused__reverts(world):
    world.escrow.pause(3_600, sender=world.net.guardian)

    with boa.reverts("escrow: postings are paused"):
        post(world)


def test_post_job__wrong_fee__reverts(world):
    with boa.reverts("escrow: not the current fee"):
        post(world, fee_bps=1)


def test_post_job__retired_service__reverts(world):
    world.staking.retire_service(world.jobs, sender=world.net.owner)

    with boa.reverts("escrow: service not active"):
        post(world)


def test_calls__unknown_job_or_batch__revert(world):
    job = world.post()
    other = (*job.members[:3], bytes(32))
    with boa.reverts("jobs: unknown job"):
        world.jobs.claim(other, 0, (0, []), sender=world.operators[0].worker)
    with boa.reverts("jobs: unknown batch"):
        world.jobs.claim(job.members, 1, (0, []), sender=world.operators[0].worker)
    with boa.reverts("jobs: unknown batch"):
        world.jobs.cancel(job.members, job.origin_members, [2**255], sender=job.payer)


def test_max_lock__nine_days(world):
    assert world.jobs.max_lock() == 9 * DAY <= world.staking.MAX_LOCK()


def test_immutables__are_those_deployed(world):
    jobs = world.jobs
    assert (jobs.STAKING(), jobs.ESCROW(), jobs.SEEDS()) == (
        world.staking.address,
        world.escrow.address,
        world.seeds.address,
    )
    assert (jobs.MIN_CLAIM(), jobs.MIN_RUN(), jobs.MIN_REVEAL()) == (60, 60, 60)
