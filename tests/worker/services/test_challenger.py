"""From a wrong opening to a conviction and its bounty: what is sent when, and what never."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.worker.services.challenge_actors import (
    KEY,
    LIAR,
    OTHER_PROVER,
    PRIORITY,
    Scene,
    challenged,
)
from tests.worker.services.service_actors import PAYER, job_log
from worker.protocol.demands import Kind, Place
from worker.protocol.outbox import TxState
from worker.protocol.provable_words import Fate, Phase
from worker.services.challenge.challenger import OF_THE_COURT, Challenger
from worker.services.challenge.config import ChallengeConfig
from worker.services.challenge.docket import Bounty
from worker.storage.challenges import Case, CaseState
from worker.tensor.dispute import Lie, Missing
from worker.tensor.proof import Claim
from worker.types import TaskIndex, Wei

NOW = 1_010  # the challenge runs from 1000 to 1060
CLAIM = Claim(bytes(32), bytes(32), 4, 1, bytes(32), 2, b"s" * 32)
GONE = challenged(fates=(Fate.GONE, Fate.IN_PLAY))
CONVICTED = challenged(fates=(Fate.CONVICTED, Fate.IN_PLAY))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def proven(scene: Scene) -> Scene:
    scene.proven()
    return scene


async def test_search__lie_is_found__keeps_its_proof(scene, monkeypatch):
    monkeypatch.setattr("worker.services.challenge.challenger.describe", lambda *_: "op 1")
    scene.cases.add(Case(KEY, CaseState.SUSPECT, TaskIndex(1)))
    scene.evidence.found = Lie(CLAIM, b"proof", 1)
    case = await scene.advance()
    assert (case.state, case.proof, case.segment, case.fault) == (
        CaseState.PROVEN, b"proof", 2, "op 1",
    )  # fmt: skip
    assert "WRONG at op 1" in scene.told[0]


async def test_search__something_is_missing__demands_it(scene):
    scene.cases.add(Case(KEY, CaseState.SUSPECT, TaskIndex(1)))
    scene.evidence.found = Missing(Place(Kind.TRACE, 0, 0, 0))
    assert (await scene.advance()).state is CaseState.SUSPECT
    assert scene.demander.asked == [scene.evidence.found]


async def test_accuse__in_time__announces_then_convicts_when_ripe(proven):
    await proven.advance()
    assert proven.sent("announce-proof") is not None
    assert proven.sent("announce-proof").intent.worth == Wei(8 * 10**17)  # two fifths of two
    proven.docket.announced = NOW
    proven.at(NOW + PRIORITY - 1)
    await proven.advance()
    assert proven.sent("convict") is None
    proven.at(NOW + PRIORITY)
    await proven.advance()
    assert proven.sent("convict").intent.data == b"convictproof"


@pytest.mark.parametrize(
    ("now", "announced", "verb"),
    [
        (1_060 - 2 * PRIORITY, 0, "announce-proof"),
        (1_061 - 2 * PRIORITY, 0, "convict"),  # it would be ripe too late
        (1_060 - PRIORITY, 1_058, "convict"),
        (1_060 - PRIORITY, 1_053, "convict"),
    ],
)
async def test_accuse__near_the_end__is_never_delayed_past_safety(proven, now, announced, verb):
    proven.at(now)
    proven.docket.announced = announced
    await proven.advance()
    assert [e.intent.purpose.partition(":")[0] for e in proven.desk.outbox.entries()] == [verb]


async def test_accuse__before_the_challenge__has_time(proven):
    proven.at(1_060)
    proven.docket.word = challenged(phase=Phase.REVEAL)
    await proven.advance()
    assert proven.sent("announce-proof") is not None


@pytest.mark.parametrize(
    "reason", ["court: the element is right", "tensors: not the constant", "merkle: bad length"]
)
async def test_accuse__court_refuses__spends_nothing(proven, reason):
    proven.docket.refusal = reason
    case = await proven.advance()
    assert (case.state, case.reason) == (CaseState.DISMISSED, reason)
    assert proven.desk.outbox.entries() == []


async def test_accuse__refused_for_now__tries_again_later(proven):
    proven.docket.refusal = "provable: task not in the batch"
    case = await proven.advance()
    assert (case.state, case.tries, case.retry_at) == (CaseState.PROVEN, 1, NOW + 1)
    proven.docket.refusal = None
    await proven.advance()
    assert proven.desk.outbox.entries() == []
    proven.at(NOW + 1)
    await proven.advance()
    assert proven.sent("announce-proof") is not None


async def test_accuse__conviction_failed__another_follows(proven):
    proven.docket.announced = 1_000
    await proven.advance()
    proven.mine("convict", TxState.FAILED, "out of gas")
    await proven.advance()
    proven.at(NOW + 1)
    await proven.advance()
    assert proven.sent("convict").intent.purpose.endswith(":1")


async def test_accuse__after_a_restart__sends_nothing_twice(proven):
    await proven.advance()
    again = Scene.__new__(Scene)
    again.__dict__.update(proven.__dict__)
    old = proven.challenger
    again.challenger = Challenger(
        old._chain, old._docket, old._cases, old._jobs, old._outbox, old._evidence,
        old._demander, old._config,
    )  # fmt: skip
    await again.advance()
    assert len(again.desk.outbox.entries()) == 1


@pytest.mark.parametrize(
    ("min_profit", "value", "state"),
    [
        (None, "0", CaseState.PROVEN),
        ("0", "0.001", CaseState.PROVEN),  # 8 * 10^14 wei for 300,000 gas at 1 wei
        ("0.0007", "0.001", CaseState.PROVEN),
        ("0.001", "0.001", CaseState.SPARED),
        ("0", "0", CaseState.SPARED),
    ],
)
async def test_accuse__min_profit__is_the_operators_choice(tmp_path, min_profit, value, state):
    least = None if min_profit is None else Decimal(min_profit)
    config = ChallengeConfig(min_profit=least, token_value=Decimal(value))
    scene = Scene(tmp_path, config)
    scene.proven()
    assert (await scene.advance()).state is state
    assert bool(scene.desk.outbox.entries()) == (state is CaseState.PROVEN)
    assert bool(scene.told) == (state is CaseState.SPARED)


async def _convict(scene: Scene) -> None:
    scene.docket.announced = 1_000
    await scene.advance()
    scene.mine("convict")
    scene.docket.word = CONVICTED


async def test_end__our_proof_is_final__tells_gas_and_bounty(proven):
    await _convict(proven)
    assert (await proven.advance()).state is CaseState.CONVICTED
    (line,) = proven.told
    assert "convicted of op 7 MATMUL [3,41] in tx 0x7878" in line
    assert line.endswith(", gas 234567, bounty 0.8")
    assert (await proven.advance()).state is CaseState.REWARDED


async def test_collect__bounty_waits__is_released_in_time(proven):
    await _convict(proven)
    await proven.advance()
    proven.docket.waiting = Bounty(PAYER, Wei(1), 1_020)
    proven.at(1_049)
    await proven.advance()
    assert proven.sent("release-bounty") is None
    proven.at(1_050)
    await proven.advance()
    assert proven.sent("release-bounty") is not None
    proven.docket.waiting = None
    assert (await proven.advance()).state is CaseState.REWARDED


@pytest.mark.parametrize(
    ("announced", "state"),
    [(1_007, CaseState.PROVEN), (1_008, CaseState.ENDED), (0, CaseState.ENDED)],
)
async def test_end__another_convicted__its_bounty_is_ours_if_we_were_ripe(proven, announced, state):
    proven.docket.word = CONVICTED
    proven.docket.waiting = Bounty(OTHER_PROVER, Wei(1), 1_010)
    proven.docket.announced = announced
    assert (await proven.advance()).state is state
    assert (proven.sent("claim-bounty") is not None) == (state is CaseState.PROVEN)


async def test_end__claimed_bounty_is_final__is_the_reward(proven):
    proven.docket.word = CONVICTED
    proven.docket.waiting = Bounty(OTHER_PROVER, Wei(1), 1_010)
    proven.docket.announced = 1_000
    await proven.advance()
    proven.mine("claim-bounty")
    assert (await proven.advance()).state is CaseState.REWARDED


async def test_end__silence_was_burnt__is_over(proven):
    proven.docket.word = GONE
    assert (await proven.advance()).state is CaseState.ENDED
    assert proven.evidence.forgotten == [KEY]


async def test_end__not_deep_enough__waits(proven):
    proven.docket.word, proven.docket.confirmed = GONE, challenged()
    assert (await proven.advance()).state is CaseState.PROVEN


async def test_end__liar_was_paid__says_so_loudly(proven):
    paid = LIAR | 5 << 24
    settled = job_log("BatchSettled", index=5, seats=[paid], contested_mask=0, round=0)
    proven.desk.jobs.add_logs([settled])
    proven.docket.word = challenged(phase=Phase.FINAL)
    case = await proven.advance()
    assert (case.state, case.reason) == (CaseState.LOST, "a wrong result became final")
    assert "became final" in proven.told[0]


def test_court__every_reason_it_may_give__is_known_as_its_own():
    sources = (path.read_text() for path in (ROOT / "contracts" / "courts").rglob("*.vy"))
    reasons = {prefix for text in sources for prefix in re.findall(r'"([a-z_]+:) ', text)}
    assert reasons == set(OF_THE_COURT)
