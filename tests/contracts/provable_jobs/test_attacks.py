"""What people may try against rules P1 to P5 and S3, one test an attack."""

import boa
import pytest

from tests.contracts.jobs_world import STANDING, salt_of
from tests.contracts.provable_world import (
    BOND,
    DAY,
    PRICE,
    PRIORITY,
    PROOF,
    Fate,
    Phase,
    ProvableJob,
)
from tests.contracts.stateful import network as net
from worker.protocol.provable_words import DEMAND_SECONDS
from worker.protocol.seals import seal_digest

TRUTHS = ProvableJob.truths
WHOLE = 2 * BOND * 10**9
BOUNTY = WHOLE * 2 // 5


def liar(job):
    return job.lies("liar")


# S3: whoever convicts itself loses


def test_s3__self_conviction__round_trip_loses_half(world):
    """One person is payer, operator and prover."""
    job, operator = world.opened(liar)
    before = world.token.balanceOf(job.payer)

    world.convict(job, operator, job.payer)
    world.wait(10 * PRIORITY)
    world.jobs.release_bounty(world.seat(job, operator))

    assert world.token.balanceOf(job.payer) - before == WHOLE // 2
    assert world.staking.operator(operator.id).stake == 5_000 * 10**9 - 2 * BOND


def test_s3__beneficiary__is_whoever_escrow_says_paid(world, prover):
    """The accuser names itself as payer: the origin's hash, and Escrow, know better."""
    job, operator = world.opened(liar)
    charge = world.charge(job, operator)
    source = (prover, job.origin_members)

    with boa.reverts("provable: wrong origin"):
        world.jobs.convict(job.members, source, charge, liar(job), PROOF, sender=prover)


# P5: a proof that others copy


def test_p5__copied_proof__the_announcer_is_paid(world, prover):
    job, operator = world.opened(liar)
    copier = world.requesters[1]
    before = world.token.balanceOf(copier)
    world.announce(prover)
    world.wait(PRIORITY)
    world.announce(copier)
    world.convict(job, operator, copier)  # first, out of the mempool

    world.convict(job, operator, prover, round=0)  # the very transaction that was copied

    assert world.token.balanceOf(prover) == BOUNTY
    assert world.token.balanceOf(copier) == before
    with boa.reverts("provable: no bounty"):
        world.jobs.release_bounty(world.seat(job, operator))


def test_p5__another_proof_of_the_same_lie__the_announcer_is_paid(world, prover):
    job, operator = world.opened(liar)
    world.announce(prover)
    world.wait(PRIORITY)
    world.convict(job, operator, world.requesters[1], proof=b"a copy, changed a little")

    world.convict(job, operator, prover, round=0)

    assert world.token.balanceOf(prover) == BOUNTY


def test_p5__announced_without_a_proof__gets_nothing(world, prover):
    """To announce something for every seat helps nobody who cannot convict."""
    job, operator = world.opened(liar)
    squatter = world.requesters[1]
    world.announce(squatter, proof=b"")
    world.wait(PRIORITY)
    world.convict(job, operator, prover)

    with boa.reverts("mock: no proof"):
        world.convict(job, operator, squatter, round=0, proof=b"")


@pytest.mark.parametrize("late", [0, 1])
def test_p5__announced_too_late_for_the_conviction__gets_nothing(world, prover, late):
    job, operator = world.opened(liar)
    copier = world.requesters[1]
    world.announce(copier)
    world.wait(PRIORITY - late)
    world.convict(job, operator, prover)
    world.wait(PRIORITY)

    if late:
        with boa.reverts("provable: not announced in time"):
            world.convict(job, operator, copier, round=0)
    else:
        world.convict(job, operator, copier, round=0)


def test_p5__accept_while_a_demand_is_open__reverts(world):
    job, operator = world.opened()
    world.demands.hold(job.members, 0, operator.id, world.now + 60)

    with boa.reverts("provable: a demand is open"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)
    world.demands.release(job.members, 0, 0, operator.id)
    world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)


def test_p5__accept_during_an_audit__reverts(world):
    job, _ = world.sealed()
    world.draw(job, audited=True)
    world.advance(job)

    with boa.reverts("provable: nothing to settle"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=job.payer)


def test_p5__conviction_after_settlement__reverts(world, prover):
    job, operator = world.opened(liar)
    world.go_to(world.until(job))
    world.settle(job, liar(job))

    with boa.reverts("provable: no bounty"):
        world.convict(job, operator, prover, round=0)


def test_p5__conviction_after_the_challenge_before_the_settlement__counts(world, prover):
    job, operator = world.opened(liar)
    world.go_to(world.until(job) + DAY)

    world.convict(job, operator, prover)

    assert world.word(job).round == 1
    world.wait(DAY)
    with boa.reverts("provable: nothing to settle"):
        world.settle(job, liar(job))


# P3: the audit cannot be dodged


def test_p3__draw_waited_out__is_an_audit(world):
    job, operator = world.sealed(liar)
    world.draw(job, audited=False)
    world.wait(60, blocks=world.word(job).height + 256 - boa.env.evm.patch.block_number)
    with boa.env.anchor():
        assert world.advance(job).phase == Phase.REVEAL  # the last block that still knows
    world.wait(12, blocks=1)
    with boa.reverts("provable: audit drawn"):
        world.reveal(job, operator, liar(job))

    assert world.advance(job).phase == Phase.AUDIT_OPEN


def test_p3__all_of_the_seal_is_taken_for_one_lie(world, prover):
    job = world.post(tasks=32, batch_log2=5)
    wrong = job.lies("x")
    operator = world.take(job, wrong)
    world.draw(job, audited=False)
    world.reveal(job, operator, wrong)

    world.convict(job, operator, prover)

    assert world.last("OperatorConvicted").bond == 32 * BOND
    assert world.staking.lane(operator.id, world.jobs) == STANDING


def test_p3__liar_does_not_open_when_audited__loses_all(world):
    job, operator, auditor = world.both_sealed(liar, TRUTHS)
    world.reveal(job, auditor, job.truths())

    world.end_window(job)

    assert world.staking.lane(operator.id, world.jobs) == STANDING
    assert world.staking.operator(operator.id).stake == 5_000 * 10**9 - 2 * BOND


# P2: a mismatch burns whoever is not proved right


def test_p2__they_differ_and_nobody_convicts__all_is_burnt_whoever_was_right(world):
    job, operator, auditor = world.audited(liar, TRUTHS)
    world.go_to(world.until(job))

    world.settle(job, job.truths())

    for seat in (operator, auditor):
        assert world.staking.operator(seat.id).stake == 5_000 * 10**9 - 2 * BOND
        assert world.credit(seat) == 0


def test_p2__auditor_can_be_convicted_too(world, prover):
    job, _, auditor = world.audited(TRUTHS, liar)

    world.convict(job, auditor, prover)

    assert world.word(job).fates == (Fate.OPENED, Fate.CONVICTED)


# P4: nothing to copy; one person is not two


def test_p4__auditor_of_the_same_owner__reverts(world):
    job, operator = world.sealed()
    twin = world.join_again(operator.owner, 5_000)
    world.draw(job, audited=True)
    world.wait(2 * net.EPOCH, blocks=0)  # until the new stake has a weight
    world.advance(job)
    world.wait(1)
    world.last_third(job)
    world.favour(job, twin)

    with boa.reverts("provable: audits itself"):
        world.claim(job, twin)


def test_p4__operator_audits_itself__reverts(world):
    job, operator = world.sealed()
    world.draw(job, audited=True)
    world.advance(job)
    world.wait(1)
    world.last_third(job)

    with boa.reverts("provable: has a seat"):
        world.claim(job, operator)


def test_p4__auditor_copies_the_seal__cannot_open_it(world):
    job, operator = world.sealed()
    stolen = world.digest(job, operator, job.truths())
    world.draw(job, audited=True)
    world.advance(job)
    world.wait(1)
    world.last_third(job)
    thief = world.drawn(job)
    world.jobs.claim_sealed(job.members, 0, (0, []), stolen, sender=thief.worker)
    world.reveal(job, operator, job.truths())

    for salt in (salt_of(operator.id, 0), salt_of(thief.id, 0)):
        with boa.reverts("provable: wrong opening"):
            world.jobs.reveal(job.members, 0, thief.id, job.truths(), salt)
    world.end_window(job)
    assert world.staking.lane(thief.id, world.jobs) == STANDING


def test_p4__reveal_before_the_auditor_sealed__reverts(world):
    """What the auditor could copy is not shown: not while its seat is open, nor while it runs."""
    job, operator = world.sealed()
    world.draw(job, audited=True)
    world.advance(job)
    world.wait(1)
    with boa.reverts("provable: reveal not open"):
        world.reveal(job, operator, job.truths())
    world.last_third(job)
    world.claim(job, world.drawn(job))
    with boa.reverts("provable: reveal not open"):
        world.reveal(job, operator, job.truths())


@pytest.mark.parametrize("wrong", ["batch", "operator", "round", "salt", "values", "length"])
def test_p4__anything_else_than_sealed__reverts(world, wrong):
    job = world.post(tasks=4, named=[world.operators[0].id])
    operator = world.operators[0]
    salt = salt_of(operator.id, 0)
    sealed = {
        "batch": (1, 0, operator.id, job.truths(), salt),
        "operator": (0, 0, world.operators[1].id, job.truths(), salt),
        "round": (0, 1, operator.id, job.truths(), salt),
        "salt": (0, 0, operator.id, job.truths(), bytes(32)),
        "values": (0, 0, operator.id, job.truths()[::-1], salt),
        "length": (0, 0, operator.id, job.truths()[:1], salt),
    }[wrong]
    digest = seal_digest(job.key, *sealed)
    proof = job.proof(operator.id)
    world.jobs.claim_sealed(job.members, 0, proof, digest, sender=operator.worker)
    world.draw(job, audited=False)
    values = job.truths()[:1] if wrong == "length" else job.truths()

    with boa.reverts("provable: wrong opening"):
        world.jobs.reveal(job.members, 0, operator.id, values, salt)


def test_p4__demands__cannot_hold_a_batch_past_the_constant(world):
    """One demand after the other, each answered: the last is refused two days on."""
    job, operator = world.opened()
    end = world.until(job)
    answer = 6 * 3_600
    refused = 0
    while not refused:
        try:
            world.demands.hold(job.members, 0, operator.id, world.now + answer)
        except boa.BoaError as error:
            assert "provable: too late to demand" in str(error)
            refused = world.now
            break
        world.wait(answer)
        world.demands.release(job.members, 0, 0, operator.id)

    assert refused <= end + DEMAND_SECONDS
    world.go_to(max(world.now + 10 * PRIORITY, end))
    world.settle(job, job.truths())


# Seats and stakes


def test_seal__of_a_round_that_failed__is_void(world):
    """A seal cannot be opened in a later round, whoever has the salt."""
    job, operator = world.sealed()
    world.draw(job, audited=False)
    world.advance(job)
    world.end_window(job)
    world.wait(1)
    second = world.take(job, job.truths())
    world.draw(job, audited=False)

    with boa.reverts("provable: no seat"):
        world.jobs.reveal(job.members, 0, operator.id, job.truths(), salt_of(operator.id, 0))
    world.reveal(job, second, job.truths())


def test_convict__stake_leaving__is_still_taken(world, prover):
    job, operator = world.opened(liar)
    world.staking.unstake(operator.id, 5_000 * 10**18, sender=operator.owner)
    supply = world.token.totalSupply()

    world.convict(job, operator, prover)

    assert supply - world.token.totalSupply() == WHOLE // 2
    assert world.staking.operator(operator.id).exiting == 5_000 * 10**9 - 2 * BOND


def test_claim__replaced_key__reverts(world):
    job = world.post(named=[world.operators[0].id])
    operator = world.operators[0]
    world.claim(job, operator)
    world.replace_key(operator)

    with boa.reverts("provable: not the seat's key"):
        world.seal(job, operator, job.truths())


def test_post_job__another_payers_origin__is_bound_to_the_sender(world):
    job, _ = world.opened()
    other = world.requesters[1]

    with boa.reverts("provable: not the payer"):
        world.jobs.accept(job.members, job.origin_members, 0, job.truths(), sender=other)
    assert world.escrow.agreement(world.jobs, 0, job.key, job.terms.expiry, job.terms.fee_bps) == (
        job.payer,
        4 * PRICE,
    )
