"""Faults of endpoints: they fail, hang, lag, turn out to be another chain's, or talk nonsense."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults import proxy as faults
from tests.faults.proxy import Call, Fault, Forward
from tests.faults.world import SLOW, Worker, World
from worker.protocol.outbox import OutboxEntry, TxState
from worker.storage.seats import SeatState

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILURES = {
    "429": (faults.http_status(429), "http"),
    "500": (faults.http_status(500), "http"),
    "502 with a page": (faults.html(502), "http"),
    "-32005": (faults.error(-32005, "daily request count exceeded"), "busy"),
    "half a document": (faults.invalid_json(), "malformed"),
}
AT_ONCE = 2.0
WITHIN = 5.0
"""Seconds until a healthy endpoint is asked in the place of one that fails, and of one that hangs.
"""
CUT_OFF = float(os.environ.get("CUT_OFF_SECONDS", "30"))
UNSEALED = (SeatState.CLAIMED, SeatState.RUNNING, SeatState.RAN, SeatState.SEALING)


async def test_fault_06__endpoint_fails__the_other_is_asked_at_once(world: World) -> None:
    victim = world.victim
    posted = await world.post_named()
    for fault, trouble in FAILURES.values():
        name = f'worker_endpoint_failures{{endpoint="0",trouble="{trouble}"}}'
        counted = await world.metric(victim, name)
        assert await _fail_over(world, victim, fault) < AT_ONCE

        async def is_shown(name: str = name, counted: float = counted) -> bool:
            usable = await world.metric(victim, 'worker_endpoint_usable{endpoint="0"}')
            return usable == 0 and await world.metric(victim, name) > counted

        await world.until(is_shown, "the breaker open, the failure counted")
        await _recovered(world, victim)
    await world.assert_paid(posted)


async def test_fault_07__endpoint_hangs__the_other_is_asked_within_five_seconds(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    victim = world.victim
    seconds = await _fail_over(world, victim, faults.hang())
    record_property("fail_over_seconds", seconds)
    assert seconds < WITHIN
    await world.assert_paid(await world.post_named())


async def test_fault_08__endpoint_twenty_blocks_behind__left_and_no_event_lost(
    world: World,
) -> None:
    victim = world.victim
    victim.near.inject(faults.stale(20))
    posted = await world.post_named()

    async def is_left() -> bool:
        lag = await world.metric(victim, 'worker_endpoint_lag_blocks{endpoint="0"}')
        return lag > 10 and await world.metric(victim, 'worker_endpoint_usable{endpoint="0"}') == 0

    await world.until(is_left, "the endpoint found behind")
    await world.assert_paid(posted)


async def test_fault_09__the_endpoint_left_is_another_chains__refused_and_nothing_sent(
    world: World,
) -> None:
    victim = world.victim
    victim.far.inject(faults.result("0x1"), "eth_chainId")
    name = 'worker_endpoint_failures{endpoint="1",trouble="wrong_chain"}'

    async def is_refused() -> bool:
        return await world.metric(victim, name) > 0

    await world.until(is_refused, "the other chain noticed")
    sent = len(victim.far.sent("eth_sendRawTransaction"))
    victim.near.inject(faults.http_status(500))
    posted = await world.post_named()

    async def is_alerted() -> bool:
        return "rpc_unavailable" in await world.reasons(victim)

    await world.until(is_alerted, "not ready")
    assert len(victim.far.sent("eth_sendRawTransaction")) == sent
    assert world.seats(victim, posted) == []
    victim.near.heal()
    await world.assert_paid(posted)
    assert len(victim.far.sent("eth_sendRawTransaction")) == sent


async def test_fault_35__one_worker_cut_off_another_on_a_bad_line__both_paid(world: World) -> None:
    victim, other = world.workers
    windows = {"claim": "60s", "run": f"{CUT_OFF + 90:.0f}s", "reveal": "120s"}
    posted = await world.post_named(limits=SLOW, windows=windows)
    await world.until_claimed(posted)
    for proxy in victim.proxies:
        proxy.loss = 1.0
    for proxy in other.proxies:
        proxy.latency, proxy.loss = 2.0, 0.2
    healed_at = time.monotonic() + CUT_OFF

    async def is_alerted() -> bool:
        return "rpc_unavailable" in await world.reasons(victim)

    await world.until(is_alerted, "the one cut off not ready")

    async def is_sealed() -> bool:
        return world.seats(other, posted)[0] not in UNSEALED

    await asyncio.sleep(healed_at - time.monotonic())
    victim.heal()
    await world.until(is_sealed, "the seal of the one on a bad line", within=60)
    other.heal()
    await world.assert_paid(posted)


async def test_fault_40__answers_of_wrong_types__never_dies_and_signs_nothing_strange(
    world: World,
) -> None:
    victim, processes = world.victim, world.network.processes
    pid = processes.pid(victim.operator.name)
    fed = Counter[str]()
    victim.inject(lambda: _nonsense(fed), probability=0.05)
    posted = [await world.post_named() for _ in range(2)]

    async def is_fed() -> bool:
        return fed.total() >= 20 and len(fed) >= 5

    await world.until(is_fed, "nonsense of many kinds read")
    victim.heal()
    for one in posted:
        await world.assert_paid(one)
        for entry in world.entries(victim, one):
            _assert_sane(world, entry)
    assert processes.pid(victim.operator.name) == pid


def _nonsense(fed: Counter[str]) -> Fault:
    """Answer with values of wrong types, and count the methods."""
    nonsense = faults.nonsense(40)

    async def fault(call: Call, forward: Forward) -> Call:
        fed[call["method"]] += 1
        return await nonsense(call, forward)

    return fault


def _assert_sane(world: World, entry: OutboxEntry) -> None:
    """What was signed calls one of our contracts, at fees within the limits."""
    assert entry.state in (TxState.FINAL, TxState.FAILED, TxState.EXPIRED)
    contracts = world.network.deployment.contracts.values()
    assert entry.intent.to in {one.address for one in contracts}
    for attempt in entry.attempts:
        assert attempt.gas_limit <= 2**24 and attempt.max_tip <= attempt.max_fee <= 100 * 10**9


async def _fail_over(world: World, worker: Worker, fault: Fault) -> float:
    """Have the near endpoint fail; return after how many seconds the worker has a block from the
    far one."""
    asked = len(worker.far.sent("eth_getBlockByNumber"))
    worker.near.inject(fault)
    began = time.monotonic()

    async def is_asked() -> bool:
        return len(worker.far.sent("eth_getBlockByNumber")) > asked

    await world.until(is_asked, "the far endpoint asked", within=2 * WITHIN)
    return time.monotonic() - began


async def _recovered(world: World, worker: Worker) -> None:
    """Have the near endpoint answer again and wait until it is preferred."""
    worker.near.heal()

    async def is_preferred() -> bool:
        return await world.metric(worker, 'worker_endpoint_usable{endpoint="0"}') == 1

    await world.until(is_preferred, "the near endpoint usable again")
