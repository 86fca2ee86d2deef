"""Row 20 of the catalogue in the replicated lane: killed anywhere, a job ends as if nobody was."""

import pytest

from tests.e2e.network import events, requester
from tests.faults.crash import clock, matrix
from tests.faults.crash.mortal import Mortal, living
from tests.faults.crash.scene import (
    RAYTRACE,
    WASM_JOB,
    check_end,
    nonces,
    once,
    paid,
    settle_in,
    submit,
)
from tests.faults.crash.trial import reached
from worker.cli.devnet.network import Network
from worker.protocol.words import GWEI
from worker.types import JobKey

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

BATCHES = 3
PRICE = 10**18 // 2
EXPIRED = 1
CLAIM = 40
STANDING = 2 * 10 * GWEI  # gwei: the standing bonds of both lanes
RECOVERY_SECONDS = 10.0
"""From SIGKILL until the worker is ready for work again."""

VESTING = 30 * 86_400
LONG = "{claim: 60s, run: 300s, reveal: 600s}"


async def _post(network: Network, windows: str = LONG) -> JobKey:
    everybody = [one.id for one in network.operators]
    return await submit(network, WASM_JOB, RAYTRACE, operators=everybody, windows=windows)


async def _is_final(network: Network, job: JobKey) -> bool:
    return len(await events(network, "BatchSettled", "BatchClosed", job=job)) == BATCHES


async def test_fault_20__killed_at_every_step_of_three_that_agree__all_paid_once(
    network: Network,
) -> None:
    for operator in network.operators:
        settle_in(network, operator, patience=25, policy={"cheap_seconds": 0})
    before = await nonces(network)
    mortals = [
        Mortal(network, *pair) for pair in zip(network.operators, matrix.UNANIMOUS, strict=True)
    ]
    async with living(*mortals) as cast:
        jobs = await cast.work(lambda: _post(network), lambda job: _is_final(network, job))

    for job in jobs:
        assert await paid(network, job) == {one.id: BATCHES * PRICE for one in network.operators}
        for name in ("SeatClaimed", "ResultSealed"):
            assert len(await once(network, job, name)) == 3 * BATCHES
        await once(network, job, "ResultRevealed")
    await check_end(network, before, *network.operators)


async def test_fault_20__killed_at_every_step_of_two_beside_a_liar__both_paid_once(
    network: Network,
) -> None:
    for operator in network.operators:
        settle_in(network, operator, patience=25)
    *honest, liar = network.operators
    before = await nonces(network)
    mortals = [Mortal(network, *pair) for pair in zip(honest, matrix.DISSENT, strict=True)]
    async with living(*mortals, Mortal(network, liar, (), ("--lie",))) as cast:
        jobs = await cast.work(lambda: _post(network), lambda job: _is_final(network, job))

    each = BATCHES * PRICE
    for job in jobs:
        assert await paid(network, job) == {honest[0].id: each, honest[1].id: each, liar.id: 0}
        for name in ("SeatClaimed", "ResultSealed", "ResultRevealed"):
            assert len(await once(network, job, name)) == 3 * BATCHES
    await check_end(network, before, *network.operators)


async def test_fault_20__killed_at_every_step_of_ending_what_nobody_joined__bond_back(
    network: Network,
) -> None:
    alone = network.operators[0]
    settle_in(network, alone, policy={"cheap_seconds": 0})
    before = await nonces(network)
    async with living(Mortal(network, alone, matrix.UNFILLED[0], is_cold=True)) as cast:
        await cast.ready()
        job = await _post(network, f"{{claim: {CLAIM}s, run: 30s, reveal: 30s}}")

        async def is_claimed() -> bool:
            return len(await events(network, "SeatClaimed", job=job)) == BATCHES

        await cast.until(is_claimed, "every batch claimed", 120)
        await network.anvil.skip(2 * CLAIM)
        await cast.until(lambda: _is_final(network, job), "the job's end", 400)
        await cast.all_died()
        assert max(cast.mortals[0].recoveries) <= RECOVERY_SECONDS

    closed = await events(network, "BatchClosed", job=job)
    assert [one["reason"] for one in closed] == [EXPIRED] * BATCHES
    assert await paid(network, job) == {}
    assert await network.requester.call("Staking", "locked_of", alone.id) == STANDING
    await check_end(network, before, alone)


async def test_fault_20__deliverer_killed_at_every_step__piece_told_once_and_bond_kept(
    network: Network,
) -> None:
    for operator in network.operators:
        settle_in(network, operator)
    teller, *others = network.operators
    before = await nonces(network)
    mortals = [Mortal(network, teller, matrix.DELIVERED), *(Mortal(network, o, ()) for o in others)]
    async with living(*mortals) as cast, clock.in_our_hands(network.anvil):
        job = await _post(network)
        await cast.until(lambda: _is_final(network, job), "the job's end", 400)
        await clock.slow(network.anvil, 4)  # an answer has thirty seconds here
        async with requester(network) as client:
            (told,) = await client.demand(job.hex(), [0], operator=teller.id, most=200)
            fetched = {one.task: one.file.read_bytes() async for one in client.outputs(job.hex())}
        await cast.all_died()
        await clock.run(network.anvil)
        await check_end(network, before, *network.operators)

    assert told.file.read_bytes() == fetched[0]
    demanded = [one["id"] for one in await events(network, "OutputDemanded")]
    answered = [one["id"] for one in await events(network, "OutputAnswered")]
    assert sorted(answered) == sorted(demanded)
    assert await events(network, "OutputForfeited") == []


async def test_fault_20__killed_at_every_step_of_collecting__minted_once(network: Network) -> None:
    collector = network.operators[0]
    for operator in network.operators:
        settle_in(network, operator, collect={"least": 1 if operator is collector else 10**18})
    before = await nonces(network)
    async with living(*(Mortal(network, one, ()) for one in network.operators)) as cast:
        await cast.ready()
        job = await _post(network)
        await cast.until(lambda: _is_final(network, job), "the job's end", 400)
        await cast.all_died()
    await network.processes.stop(collector.name)

    async def epoch_over() -> None:
        async def is_divided() -> bool:
            return bool(await events(network, "FeesBurnt"))

        await reached(is_divided)
        await network.anvil.skip(await network.requester.call("Rewards", "epoch_length"))

    meanwhile = {"sender.sent.book": epoch_over}
    async with living(Mortal(network, collector, matrix.COLLECTED, meanwhile=meanwhile)) as cast:

        async def is_closed() -> bool:
            return bool(await events(network, "EpochClosed"))

        await cast.until(is_closed, "the epoch closed", 120)
        await network.anvil.skip(VESTING)
        await cast.all_died()

        async def is_minted() -> bool:
            return bool(await events(network, "EmissionClaimed"))

        await cast.until(is_minted, "the emission claimed", 120)
        await check_end(network, before, *network.operators)

    (minted,) = await events(network, "EmissionClaimed")
    assert minted["id"] == collector.id
