"""Faults of event logs: withdrawn, left out, limited, repeated, out of order."""

from collections import Counter
from itertools import cycle
from typing import Any

import pytest

from tests.faults.proxy import (
    RANGE_LIMITS,
    Call,
    Fault,
    Forward,
    range_limit,
    result,
    shuffled,
    transform,
)
from tests.faults.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

MALFORMED = 'worker_endpoint_failures{endpoint="0",trouble="malformed"}'
LATE = "worker_late_logs_total"


async def test_fault_05__logs_marked_as_removed__refused_and_read_again(world: World) -> None:
    victim = world.victim
    refused = await world.metric(victim, MALFORMED)
    victim.inject(lambda: transform(_removed), "eth_getLogs")
    posted = await world.post_named()

    async def are_refused() -> bool:
        return await world.metric(victim, MALFORMED) > refused

    await world.until(are_refused, "logs that were taken back refused")
    assert world.seats(victim, posted) == []
    victim.heal()
    await world.assert_paid(posted)


async def test_fault_10__logs_silently_left_out__found_by_reading_again(world: World) -> None:
    victim = world.victim
    late = await world.metric(victim, LATE)
    victim.inject(lambda: result([]), "eth_getLogs")
    posted = await world.post_named()
    head = await world.network.requester.pool.head()

    async def is_past() -> bool:
        return await world.metric(victim, "worker_scanned_block") > head.number

    await world.until(is_past, "the block with the job read without it")
    assert world.seats(victim, posted) == []
    victim.heal()
    await world.assert_paid(posted)
    assert await world.metric(victim, LATE) > late


async def test_fault_11__log_queries_limited_in_every_vendors_words__no_block_skipped(
    world: World,
) -> None:
    victim = world.victim
    used = Counter[str]()
    victim.inject(lambda: _limited(used), "eth_getLogs")
    posted = await world.post_named()

    async def are_all_used() -> bool:
        return used.keys() == RANGE_LIMITS.keys()

    await world.until(are_all_used, "every vendor's words heard")
    await world.assert_paid(posted)  # the databases hold every log
    assert await world.metric(victim, 'worker_endpoint_usable{endpoint="0"}') == 1


async def test_fault_12__logs_twice_and_out_of_order__each_counted_once(world: World) -> None:
    world.victim.inject(lambda: shuffled(12), "eth_getLogs")
    await world.assert_paid(await world.post_named())
    assert world.victim.sent("eth_getLogs")


def _removed(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**log, "removed": True} for log in logs]


def _limited(used: Counter[str]) -> Fault:
    """Refuse queries over two blocks or more, in the words of one vendor after the other."""
    vendors = cycle(RANGE_LIMITS)

    async def fault(call: Call, forward: Forward) -> Call:
        if call["params"][0]["fromBlock"] == call["params"][0]["toBlock"]:
            return await forward(call)
        vendor = next(vendors)
        used[vendor] += 1
        return await range_limit(vendor, 1)(call, forward)

    return fault
