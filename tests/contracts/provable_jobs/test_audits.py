"""The draw after the seal, and the seat of an auditor: who takes it, and what if nobody does."""

import boa
import pytest

from tests.contracts.provable_world import (
    BOND,
    Fate,
    Phase,
    ProvableJob,
)
from worker.protocol.provable_words import is_audited

TRUTHS = ProvableJob.truths


@pytest.mark.parametrize("audited", [False, True])
def test_advance__draw__decides_about_the_audit(world, audited):
    job, _ = world.sealed()
    world.draw(job, audited)

    word = world.advance(job)

    assert word.phase == (Phase.AUDIT_OPEN if audited else Phase.REVEAL)
    assert word.since == world.now
    assert word.fates == (Fate.IN_PLAY, Fate.IN_PLAY if audited else Fate.GONE)
    if audited:
        assert word.height == boa.env.evm.patch.block_number + 1
    log = world.last("BatchAdvanced")
    assert (log.job, log.batch, log.word) == (job.key, 0, world.views.batch_of(job.key, 0))


def test_reveal__draws_and_opens_at_once(world):
    job, operator = world.sealed()
    world.draw(job, audited=False)

    world.reveal(job, operator, job.truths())

    word = world.word(job)
    assert (word.phase, word.since) == (Phase.CHALLENGE, world.now)
    assert word.fates == (Fate.OPENED, Fate.GONE)
    assert world.last("ResultRevealed").values == job.truths()


def test_reveal__drawn_for_an_audit__reverts(world):
    job, operator = world.sealed()
    world.draw(job, audited=True)

    with boa.reverts("provable: audit drawn"):
        world.reveal(job, operator, job.truths())


def test_draw__each_batch_has_its_own(world):
    job = world.post(tasks=16, batch_log2=0, audit_bps=5_000, named=[world.operators[0].id])
    for batch in range(16):
        world.claim_sealed(job, world.operators[0], job.truths(batch), batch)
    height = world.word(job).height
    world.wait(1)
    block = boa.env.evm.patch.prev_hashes[boa.env.evm.patch.block_number - height - 1]

    audited = [world.advance(job, batch).phase == Phase.AUDIT_OPEN for batch in range(16)]

    assert audited == [is_audited(block, job.key, batch, 5_000) for batch in range(16)]
    assert any(audited) != all(audited)


def test_claim__audit__takes_the_second_seat(world):
    job, operator = world.sealed()
    world.draw(job, audited=True)
    world.advance(job)
    world.wait(1)
    world.last_third(job)
    auditor = world.drawn(job)

    world.claim(job, auditor)

    word = world.word(job)
    assert word.phase == Phase.AUDIT_RUNNING
    assert word.seats[0] == (operator.id, auditor.id)
    assert world.locked(auditor) == 2 * BOND
    with boa.reverts("provable: not the seat's key"):
        world.seal(job, operator, job.truths())
    world.seal(job, auditor, job.truths())
    assert world.word(job).phase == Phase.REVEAL


def test_advance__nobody_audits__drawn_again_then_unaudited(world):
    job, operator = world.sealed()
    world.draw(job, audited=True)
    first = world.advance(job)
    until = world.until(job)
    world.go_to(until - 1)
    with boa.reverts("provable: advanced too early"):
        world.advance(job)

    second = world.end_window(job)
    third = world.end_window(job)

    assert (first.redrawn, second.redrawn, second.phase) == (False, True, Phase.AUDIT_OPEN)
    assert second.height > first.height
    assert (third.phase, third.unaudited) == (Phase.REVEAL, True)
    assert third.fates == (Fate.IN_PLAY, Fate.GONE)
    world.reveal(job, operator, job.truths())
    assert world.until(job) == world.now + 2 * job.terms.challenge


def test_advance__late_auditors__lose_a_quarter_each(world):
    job, operator = world.sealed()
    world.draw(job, audited=True)
    world.advance(job)
    late = []
    for _ in range(2):
        world.wait(1)
        world.last_third(job)
        late.append(world.drawn(job))
        world.claim(job, late[-1])
        until = world.until(job)
        world.go_to(until - 1)
        with boa.reverts("provable: advanced too early"):
            world.advance(job)
        word = world.end_window(job)
        assert world.last("SeatForfeited").burnt == BOND // 2
        assert world.locked(late[-1]) == 0

    assert late[0] != late[1]
    assert (word.phase, word.unaudited) == (Phase.REVEAL, True)
    assert world.locked(operator) == 2 * BOND
    for auditor in late:
        with boa.reverts():
            world.reveal(job, auditor, job.truths())
