"""Faults of the chain itself: blocks that go away, come back otherwise, or were never so many."""

import asyncio
import sys

import pytest

from tests.e2e.network import Posted, events
from tests.faults.proxy import swallow
from tests.faults.world import SLOW, Worker, World
from worker.cli.exits import Exit
from worker.protocol.outbox import OutboxEntry, TxState
from worker.protocol.words import SeatOutcome
from worker.storage.seats import SeatState

pytestmark = pytest.mark.asyncio(loop_scope="session")

REORGS = "worker_reorgs_total"
KEPT = 64
"""Blocks whose hashes a worker keeps: a reorganisation below them stops it."""


async def test_fault_00__none__a_job_is_paid(world: World) -> None:
    posted = await world.post()
    await world.assert_paid(posted)
    assert len(await events(world.network, "SeatClaimed", job=posted.key)) == 2


async def test_fault_01__own_transactions_reorganised_away__sent_again_and_paid_once(
    world: World,
) -> None:
    victim, anvil = world.victim, world.network.anvil
    posted = await world.post_named(limits=SLOW)
    await anvil.ask("anvil_mine", hex(5), hex(1))  # the posting itself stays
    for depth in 1, 2, 5:
        seen = await world.metric(victim, REORGS)
        dropped = await _until_mined(world, victim, posted, depth)
        before = {one.intent.purpose: _times_sent(victim, one) for one in dropped}
        await anvil.ask("anvil_reorg", depth, [])
        await _until_noticed(world, victim, seen)

        async def are_sent_again(before: dict[str, int] = before) -> bool:
            now = {one.intent.purpose: one for one in world.entries(victim, posted)}
            return all(_times_sent(victim, now[name]) > times for name, times in before.items())

        await world.until(are_sent_again, "what was dropped sent again")

    await world.assert_paid(posted)
    for entry in world.entries(victim, posted):
        assert entry.is_settled and len({one.nonce for one in entry.attempts}) <= 1
    assert len(await events(world.network, "SeatClaimed", job=posted.key)) == 2


async def test_fault_02__anothers_claim_instead_of_ours__its_seat_and_ours_is_dropped(
    world: World,
) -> None:
    victim, other = world.workers
    for worker in world.workers:
        worker.inject(swallow, "eth_sendRawTransaction")
    posted = await world.post_named(seats=1, max_seats=1, limits=SLOW)

    async def both_signed() -> bool:
        return all(any(e.attempts for e in world.entries(one, posted)) for one in world.workers)

    await world.until(both_signed, "both claims signed")
    (claim,) = world.entries(other, posted)
    await world.network.anvil.ask("anvil_mine", hex(3), hex(1))
    victim.heal()

    async def is_ours() -> bool:
        return SeatState.CLAIMING not in world.seats(victim, posted)

    await world.until(is_ours, "the seat ours")
    seen = await world.metric(victim, REORGS)
    raw = "0x" + claim.attempts[0].raw.hex()
    await world.network.anvil.ask("anvil_reorg", 3, [[raw, 0]])
    other.heal()
    await _until_noticed(world, victim, seen)

    async def is_dropped() -> bool:
        ends = world.seats(victim, posted) + world.seats(other, posted)
        return ends == [SeatState.VOID, SeatState.REVEALED]

    await world.until(is_dropped, "our seat given up, the other's opened")
    head = await world.network.requester.pool.head()
    await world.network.anvil.skip(posted.terms.expiry - head.timestamp)  # it waits for a payer
    (final,) = await world.settled(posted)
    (seat,) = map(SeatOutcome.unpack, final["seats"])
    assert (seat.operator, seat.burnt) == (other.operator.id, 0)
    assert world.seats(victim, posted) == [SeatState.VOID]
    assert world.entries(victim, posted)[0].state is TxState.FAILED
    await world.assert_sound()


async def test_fault_03__reorganised_below_what_was_final__stops_until_told_to_read_anew(
    world: World,
) -> None:
    victim, other = world.workers
    network = world.network
    await network.processes.stop(other.operator.name)
    snapshot = await network.anvil.ask("evm_snapshot")
    await network.anvil.ask("anvil_mine", hex(KEPT + 6), hex(1))
    head = await network.requester.pool.head()

    async def has_read() -> bool:
        return await world.metric(victim, "worker_scanned_block") >= head.number

    await world.until(has_read, "the blocks read that will go away")
    sent = victim.sent("eth_sendRawTransaction")
    await network.anvil.ask("evm_revert", snapshot)
    await network.anvil.skip(200)
    await network.anvil.ask("anvil_mine", hex(KEPT + 8), hex(1))

    name = victim.operator.name
    assert await asyncio.wait_for(network.processes.wait(name), 20) == Exit.CHAIN
    await network.start(victim.operator)
    assert await asyncio.wait_for(network.processes.wait(name), 20) == Exit.CHAIN
    assert "deeper than 64 blocks" in network.processes.log(name).read_text()
    assert victim.sent("eth_sendRawTransaction") == sent

    command = ("-m", "worker", "node", "rescan", "--config", str(victim.operator.settings))
    rescan = await asyncio.create_subprocess_exec(sys.executable, *command)
    assert await rescan.wait() == Exit.OK
    await world.up()
    await world.assert_paid(await world.post_named())


async def test_fault_04__chain_grows_shorter__goes_on_and_is_paid(world: World) -> None:
    victim, anvil = world.victim, world.network.anvil
    posted = await world.post_named(limits=SLOW)
    await anvil.ask("anvil_mine", hex(2), hex(1))
    await _until_mined(world, victim, posted, 1)
    seen = await world.metric(victim, REORGS)
    head = await world.network.requester.pool.head()
    await anvil.ask("anvil_rollback", 2)
    assert (await world.network.requester.pool.head()).number < head.number
    await _until_noticed(world, victim, seen)
    await world.assert_paid(posted)


async def _until_mined(
    world: World, worker: Worker, posted: Posted, depth: int
) -> list[OutboxEntry]:
    """Wait until one of the last `depth` blocks, all scanned, has transactions of the worker about
    the job; return these."""
    found: list[OutboxEntry] = []

    async def is_mined() -> bool:
        head = await world.network.requester.pool.head()
        if await world.metric(worker, "worker_scanned_block") != head.number:
            return False
        mined: set[str] = set()
        for number in range(head.number - depth + 1, head.number + 1):
            block = await world.network.anvil.ask("eth_getBlockByNumber", hex(number), False)
            mined |= set(block["transactions"])
        found[:] = [
            entry
            for entry in world.entries(worker, posted)
            if mined & {"0x" + attempt.hash.hex() for attempt in entry.attempts}
        ]
        return bool(found)

    await world.until(is_mined, f"a transaction in the last {depth} blocks")
    return found


async def _until_noticed(world: World, worker: Worker, seen: float) -> None:
    async def is_noticed() -> bool:
        return await world.metric(worker, REORGS) > seen

    await world.until(is_noticed, "the reorganisation noticed", within=5)


def _times_sent(worker: Worker, entry: OutboxEntry) -> int:
    """Return how often a transaction was handed to either endpoint, at whatever fees."""
    texts = {"0x" + attempt.raw.hex() for attempt in entry.attempts}
    sent = [call for proxy in worker.proxies for call in proxy.sent("eth_sendRawTransaction")]
    return sum(call["params"][0] in texts for call in sent)
