"""Row 20 of the catalogue over a lie: the auditor that convicts is killed at every step of it."""

import asyncio

import pytest

from tests.e2e.network import events
from tests.faults.crash import clock, matrix
from tests.faults.crash.mortal import Mortal, living
from tests.faults.crash.scene import check_end, nonces
from tests.faults.crash.trial import BOND, CHALLENGE, CLAIM, TOKEN, Trial, reached
from worker.cli.devnet.cast.role import NOWHERE
from worker.cli.devnet.network import Network
from worker.protocol.provable_words import Phase
from worker.storage.challenges import CaseState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

BOUNTY = BOND * 2 // 5
LIE = ("--lie-at", "1")
PROVEN = "challenger.proven"
UNSERVED = {"public_url": NOWHERE}
PRIORITY = 3  # seconds that an announcement ripens here; a bounty waits ten times as long


async def test_fault_20__challenger_killed_at_every_step__convicts_once_and_is_paid(
    network: Network,
) -> None:
    trial, before = Trial(network), await nonces(network)
    held = await trial.holds()
    auditor = Mortal(network, trial.auditor, matrix.CONVICTED)
    async with living(Mortal(network, trial.liar, (), LIE), auditor) as cast:
        await trial.post(cast)
        await trial.ends_as(cast, CaseState.REWARDED)
        await check_end(network, before, trial.liar, trial.auditor)

    assert (await trial.convicted())["announced"]
    assert await trial.holds() - held == BOUNTY


async def test_fault_34__no_time_to_announce__waiting_bounty_is_released_once(
    network: Network,
) -> None:
    trial, before = Trial(network), await nonces(network)
    held = await trial.holds()

    async def nearly_over() -> None:
        async def is_challenged() -> bool:
            return await trial.phase() is Phase.CHALLENGE

        await reached(is_challenged)
        await clock.hold_at(network.anvil, await trial.ends_at() - 2 * PRIORITY + 1)

    auditor = Mortal(network, trial.auditor, matrix.RELEASED, meanwhile={PROVEN: nearly_over})
    async with (
        clock.in_our_hands(network.anvil),
        living(Mortal(network, trial.liar, (), LIE), auditor) as cast,
    ):
        await trial.post(cast)

        async def is_sent() -> bool:
            return PROVEN in auditor.deaths and trial.sends("convict")

        await cast.until(is_sent, "the conviction sent", 240)
        await clock.run(network.anvil)

        async def is_convicted() -> bool:
            return bool(await trial.events("OperatorConvicted"))

        await cast.until(is_convicted, "the conviction", 120)
        await network.anvil.skip(10 * PRIORITY)
        await trial.ends_as(cast, CaseState.REWARDED)
        await check_end(network, before, trial.liar, trial.auditor)

    assert not (await trial.convicted())["announced"]
    assert await trial.holds() - held == BOUNTY


async def test_fault_20__another_convicts_with_the_proof__the_announcer_gets_the_bounty_once(
    network: Network,
) -> None:
    trial, before = Trial(network), await nonces(network)
    held, announced = await trial.holds(), len(await events(network, "ProofAnnounced"))

    async def copied() -> None:
        async def is_announced() -> bool:
            return len(await events(network, "ProofAnnounced")) > announced

        await reached(is_announced)
        await network.anvil.skip(PRIORITY)
        await trial.convict_as_another()

    meanwhile = {"sender.sent.announce-proof": copied}
    auditor = Mortal(network, trial.auditor, matrix.CLAIMED, meanwhile=meanwhile)
    async with living(Mortal(network, trial.liar, (), LIE), auditor) as cast:
        await trial.post(cast)
        await trial.ends_as(cast, CaseState.REWARDED)
        await check_end(network, before, trial.liar, trial.auditor)

    assert (await trial.convicted())["prover"] == network.requester.address
    assert await trial.holds() - held == BOUNTY


async def test_fault_20__asleep_until_the_lie_was_final__says_so_and_spends_nothing(
    network: Network,
) -> None:
    trial, before = Trial(network), await nonces(network)

    async def audit_missed() -> None:
        for redrawn in (False, True):

            async def is_open(redrawn: bool = redrawn) -> bool:
                batch = await trial.batch()
                return batch.phase is Phase.AUDIT_OPEN and batch.redrawn is redrawn

            await reached(is_open)
            await network.anvil.skip(CLAIM)

        async def is_challenged() -> bool:
            return await trial.phase() is Phase.CHALLENGE

        await reached(is_challenged)

    async def settled() -> None:
        await network.anvil.skip(2 * CHALLENGE)

        async def is_settled() -> bool:
            return bool(await trial.events("BatchSettled"))

        await reached(is_settled)

    meanwhile = {"provable_claimer.candidate_stored": audit_missed, PROVEN: settled}
    auditor = Mortal(network, trial.auditor, matrix.LOST, meanwhile=meanwhile)
    async with living(Mortal(network, trial.liar, (), LIE), auditor) as cast:
        await trial.post(cast)
        case = await trial.ends_as(cast, CaseState.LOST)
        await check_end(network, before, trial.liar, trial.auditor)

    assert case.reason == "a wrong result became final"
    assert await trial.events("OperatorConvicted") == []


async def test_fault_20__told_to_convict_only_for_profit__spares_and_stays_so(
    network: Network,
) -> None:
    trial = Trial(network, auditors={"challenge": {"min_profit": "1000"}})
    before = await nonces(network)
    auditor = Mortal(network, trial.auditor, matrix.SPARED)
    async with living(Mortal(network, trial.liar, (), LIE), auditor) as cast:
        await trial.post(cast)
        case = await trial.ends_as(cast, CaseState.SPARED)
        await check_end(network, before, trial.liar, trial.auditor)

    assert "min_profit" in (case.reason or "")
    assert await trial.events("OperatorConvicted") == []


async def test_fault_20__proof_damaged_on_the_disk__dismissed_without_a_transaction(
    network: Network,
) -> None:
    trial, before = Trial(network), await nonces(network)

    async def damaged() -> None:
        trial.damage_proof()

    auditor = Mortal(network, trial.auditor, matrix.DISMISSED, meanwhile={PROVEN: damaged})
    async with living(Mortal(network, trial.liar, (), LIE), auditor) as cast:
        await trial.post(cast)
        case = await trial.ends_as(cast, CaseState.DISMISSED)
        assert not trial.sends("convict")
        assert not trial.sends("announce-proof")
        await check_end(network, before, trial.liar, trial.auditor)

    assert case.reason
    assert await trial.events("OperatorConvicted") == []


async def test_fault_20__demands_and_answers_killed_at_every_step__convicted_by_what_was_told(
    network: Network,
) -> None:
    trial = Trial(network, auditor=2, liars=UNSERVED)
    await network.requester.send("Token", "transfer", trial.prover, TOKEN)
    before = await nonces(network)
    told, asked = matrix.DEMANDED

    async def slowed() -> None:
        await clock.slow(network.anvil, 3)

    liar = Mortal(network, trial.liar, told, LIE)
    auditor = Mortal(network, trial.auditor, asked, meanwhile={asked[0]: slowed})
    async with clock.in_our_hands(network.anvil), living(liar, auditor) as cast:
        await trial.post(cast)
        await cast.all_died()
        await clock.slow(network.anvil, 1)  # to keep our time would jump over an answer's window
        await trial.ends_as(cast, CaseState.REWARDED)
        await check_end(network, before, trial.liar, trial.auditor)

    await trial.convicted()
    demanded = [one["id"] for one in await trial.events("TraceDemanded")]
    answered = [one["id"] for one in await events(network, "DemandAnswered")]
    assert len(demanded) == len(set(demanded))
    assert sorted(answered) == sorted(demanded)


async def test_fault_20__silence_closed_by_one_killed_at_every_step__burnt_once(
    network: Network,
) -> None:
    trial = Trial(network, liars=UNSERVED)
    await network.requester.send("Token", "transfer", trial.prover, TOKEN)
    before, gone = await nonces(network), asyncio.Event()

    async def never_back() -> None:
        await gone.wait()

    opened = "provable_mover.revealed"
    liar = Mortal(network, trial.liar, (opened,), LIE, meanwhile={opened: never_back})
    auditor = Mortal(network, trial.auditor, matrix.SILENT)
    async with living(liar, auditor) as cast:
        await trial.post(cast)

        async def is_ended() -> bool:
            return trial.state() is CaseState.ENDED

        await cast.until(is_ended, "the case ended", 240)
        gone.set()
        await trial.ends_as(cast, CaseState.ENDED)
        await check_end(network, before, trial.liar, trial.auditor)

    (burnt,) = await trial.events("SeatForfeited")
    assert (burnt["operator"], burnt["burnt"] * 10**9) == (trial.liar.id, BOND)
    assert await trial.events("OperatorConvicted") == []
