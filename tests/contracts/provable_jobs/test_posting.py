"""post_job, cancel, expire: what terms may be, what is drawn, what comes back."""

import boa
import pytest

from tests.contracts.jobs_world import HOUR, NO_PERMIT, TOKEN
from tests.contracts.provable_world import (
    BOND,
    COURT_GAS,
    DAY,
    GAS_PRICE,
    INPUTS,
    MANIFEST,
    PRICE,
    PROGRAM,
    Phase,
    terms_of,
)
from tests.contracts.stateful import network as net
from worker.protocol.provable_words import is_bond_enough, reserve, worst_case
from worker.protocol.words import GWEI, JobWord, OnDissent

ORIGIN = (7, PROGRAM, INPUTS, MANIFEST)


def post(world, named=bytes(32), a_bits=0, b_bits=0, **changes):
    """Post terms as they are, with extra bits set in their words."""
    terms = terms_of(**changes)
    return world.jobs.post_job(
        terms.a | a_bits,
        terms.b | b_bits,
        named,
        ORIGIN,
        b"here",
        NO_PERMIT,
        sender=world.requesters[0],
    )


def test_post_job__draws_twice_the_price_and_logs(world):
    before = world.token.balanceOf(world.requesters[0])

    job = world.post()

    assert before - world.token.balanceOf(job.payer) == 2 * 2 * PRICE
    assert world.left(job) == reserve(job.terms, 2)
    assert job.key == job.terms.key(boa.env.evm.patch.chain_id, world.jobs.address)
    height = boa.env.evm.patch.block_number - 2 + 1
    assert JobWord.unpack(world.jobs.job_of(job.key)) == JobWord(height, 0)


def test_post_job__logs_everything_to_rebuild_the_terms(world):
    key = post(world)

    log = world.last("JobPosted")
    terms = terms_of().posted(world.now)
    assert (log.job, log.payer, log.program) == (key, world.requesters[0], PROGRAM)
    assert (log.a, log.b, log.named) == (terms.a, terms.b, bytes(32))
    assert (log.nonce, log.inputs, log.manifest, log.locators) == (7, INPUTS, MANIFEST, b"here")


def test_post_job__same_job_in_the_same_second__reverts(world):
    post(world)

    with boa.reverts("provable: already posted"):
        post(world)


BAD = [
    ("jobs: bad seats", {"seats": 2, "max_seats": 2}),
    ("jobs: bad seats", {"seats": 0, "max_seats": 1}),
    ("jobs: bad seats", {"seats": 1, "max_seats": 2}),
    ("jobs: bad batch size", {"batch_log2": 6}),
    ("jobs: bad price", {"price": 0}),
    ("jobs: bad bond", {"bond": 0}),
    ("jobs: bad bond", {"bond": 2**63}),
    ("jobs: spare bits", {"on_dissent": OnDissent.SETTLE}),
    ("jobs: bad windows", {"claim": 59}),
    ("jobs: bad windows", {"claim": HOUR + 1}),  # an epoch
    ("jobs: bad windows", {"run": 59}),
    ("jobs: bad windows", {"run": DAY + 1}),
    ("jobs: bad windows", {"reveal": 59}),
    ("jobs: bad windows", {"reveal": DAY + 1}),
    ("jobs: bad windows", {"challenge": 59}),
    ("jobs: bad windows", {"challenge": 2 * DAY + 1}),
    ("provable: bad audit share", {"audit_bps": 499}),
    ("provable: bad audit share", {"audit_bps": 10_001}),
    ("courts: no such court", {"court": 1}),
    ("courts: token has no rate", {"token": 1}),
]


@pytest.mark.parametrize(("what", "changes"), BAD)
def test_post_job__terms_out_of_bounds__reverts(world, what, changes):
    with boa.reverts(what):
        post(world, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"claim": 60, "run": 60, "reveal": 60, "challenge": 60},
        {"run": DAY, "reveal": DAY, "challenge": 2 * DAY},
        {"audit_bps": 500, "price": 1},
        {"audit_bps": 10_000},
        {"tasks": 1 << 20, "price": 1, "batch_log2": 5},
    ],
)
def test_post_job__terms_at_the_bounds__are_taken(world, changes):
    post(world, **changes)


def test_post_job__expiry__between_the_worst_case_and_sixty_days(world):
    terms = terms_of()
    least = world.now + terms.claim + worst_case(terms)
    for expiry in (least - 1, world.now + 60 * DAY + 1):
        with boa.reverts("jobs: bad expiry"):
            post(world, expiry=expiry)
    post(world, expiry=least)
    post(world, expiry=world.now + 60 * DAY)


@pytest.mark.parametrize("bit", [242, 255])
def test_post_job__spare_bit_in_a__reverts(world, bit):
    with boa.reverts("jobs: spare bits"):
        post(world, a_bits=1 << bit)


@pytest.mark.parametrize("bit", [0, 39, 176, 255])
def test_post_job__posted_at_or_spare_bit_in_b__reverts(world, bit):
    with boa.reverts("jobs: spare bits"):
        post(world, b_bits=1 << bit)


# Rule P3


def least_deterring(price: int, audit_bps: int, capture_bps: int = 2_000) -> int:
    """Return the least bond per task, gwei, whose half is worth more than lying gains."""
    chance = audit_bps * (10_000 - capture_bps)
    return -(-2 * price * (10**8 - chance) // (chance * GWEI))


@pytest.mark.parametrize("audit_bps", [500, 1_000, 5_000])
def test_post_job__bond__outweighs_the_gain_of_a_lie(world, audit_bps):
    bond = least_deterring(PRICE, audit_bps)

    with boa.reverts("provable: bond below the prize"):
        post(world, bond=bond - 1, audit_bps=audit_bps, tasks=32, batch_log2=5)
    post(world, bond=bond, audit_bps=audit_bps, tasks=32, batch_log2=5)

    assert is_bond_enough(terms_of(bond=bond, audit_bps=audit_bps), 2_000, 0)
    assert not is_bond_enough(terms_of(bond=bond - 1, audit_bps=audit_bps), 2_000, 0)


def test_post_job__more_capture__wants_more_bond(world):
    bond = least_deterring(PRICE, 5_000)
    world.courts.set_capture_bps(2_001, sender=world.net.owner)

    with boa.reverts("provable: bond below the prize"):
        post(world, bond=bond, audit_bps=5_000, tasks=32, batch_log2=5)


def test_post_job__smallest_batch__pays_for_a_proof(world):
    least = COURT_GAS * GAS_PRICE * 5 // (2 * GWEI)
    small = {"price": 1, "audit_bps": 10_000}

    for tasks, size in ((1, 1), (4, 4), (5, 1)):  # of the last batch
        bond = -(-least // size)
        with boa.reverts("provable: bond below a proof"):
            post(world, tasks=tasks, batch_log2=2, bond=bond - 1, **small)
        post(world, tasks=tasks, batch_log2=2, bond=bond, **small)
    world.courts.set_gas_price(2 * GAS_PRICE, sender=world.net.owner)
    with boa.reverts("provable: bond below a proof"):
        post(world, tasks=1, batch_log2=2, bond=least, **small)


def test_post_job__price_in_another_token__counts_at_its_rate(world):
    other = net.contract("Token").deploy(10**9 * TOKEN)
    other.approve(world.escrow, 2**256 - 1, sender=world.requesters[0])
    other.transfer(world.requesters[0], 10**6 * TOKEN)
    world.escrow.list_token(other, sender=world.net.owner)
    world.courts.set_rate(1, 3 * TOKEN, sender=world.net.owner)
    bond = least_deterring(3 * PRICE, 1_000)
    terms = {"token": 1, "tasks": 32, "batch_log2": 5}

    with boa.reverts("provable: bond below the prize"):
        post(world, bond=bond - 1, **terms)
    post(world, bond=bond, **terms)

    # What does not divide counts against the poster.
    world.courts.set_rate(1, 1, sender=world.net.owner)
    terms = {"token": 1, "price": 1, "audit_bps": 10_000, "bond": BOND}
    assert is_bond_enough(terms_of(**terms), 2_000, 0, rate=1)


def test_post_job__later_parameters__do_not_reach_into_it(world):
    job, _ = world.opened()
    world.courts.set_least_audit_bps(10_000, sender=world.net.owner)
    world.courts.set_capture_bps(9_000, sender=world.net.owner)
    world.courts.set_gas_price(10**15, sender=world.net.owner)
    world.go_to(world.until(job))

    assert world.settle(job, job.truths()).paid_mask == 0b11


def test_post_job__paused__reverts(world):
    world.escrow.pause(3_600, sender=world.net.guardian)

    with boa.reverts("escrow: postings are paused"):
        post(world)


# Cancel and expire


def test_cancel__open_batches__refunds_all(world):
    job = world.post(tasks=4)

    world.jobs.cancel(job.members, job.origin_members, [0, 1], sender=job.payer)

    assert world.escrow.credit_of(job.payer, 0) == reserve(job.terms, 4)
    assert world.left(job) == 0
    assert world.word(job).is_final
    log = world.last("BatchClosed")
    assert (log.batch, log.reason, log.refund) == (1, 2, reserve(job.terms, 2))


def test_cancel__seat_taken__reverts(world):
    job, _ = world.sealed()

    with boa.reverts("provable: seat taken"):
        world.jobs.cancel(job.members, job.origin_members, [0], sender=job.payer)


def test_cancel__not_the_payer__reverts(world):
    job = world.post()

    with boa.reverts("provable: not the payer"):
        world.jobs.cancel(job.members, job.origin_members, [0], sender=world.requesters[1])


def test_cancel__same_batch_twice__reverts(world):
    job = world.post(tasks=4)

    with boa.reverts("provable: batch final"):
        world.jobs.cancel(job.members, job.origin_members, [0, 0], sender=job.payer)


def test_expire__from_the_end_of_the_claim_window(world):
    job = world.post()
    until = world.until(job)
    world.go_to(until - 1)
    with boa.reverts("provable: expired too early"):
        world.jobs.expire(job.members, [0])

    world.go_to(until)
    world.jobs.expire(job.members, [0])

    assert world.escrow.credit_of(job.payer, 0) == reserve(job.terms, 2)
    assert world.last("BatchClosed").reason == 1
    assert world.word(job).phase == Phase.FINAL


def test_expire__seat_taken__reverts(world):
    job, _ = world.sealed()

    with boa.reverts("provable: seat taken"):
        world.jobs.expire(job.members, [0])


def test_calls__unknown_job_or_batch__revert(world):
    job = world.post()
    other = (*job.members[:3], bytes(32))
    worker = world.operators[0].worker
    with boa.reverts("provable: unknown job"):
        world.jobs.claim(other, 0, (0, []), sender=worker)
    with boa.reverts("provable: unknown batch"):
        world.jobs.claim(job.members, 1, (0, []), sender=worker)
    with boa.reverts("provable: unknown batch"):
        world.jobs.cancel(job.members, job.origin_members, [2**255], sender=job.payer)


def test_views__are_what_was_deployed(world):
    jobs = world.jobs
    assert jobs.max_lock() == 13 * DAY <= world.staking.MAX_LOCK()
    assert tuple(jobs.minima()) == (60,) * 4
    assert (jobs.STAKING(), jobs.ESCROW()) == (world.staking.address, world.escrow.address)
    assert (jobs.SEEDS(), jobs.COURTS()) == (world.seeds.address, world.courts.address)
    assert jobs.demands() == world.demands.address
