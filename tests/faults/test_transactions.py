"""Faults of transactions: never mined, forgotten, refused, too dear, not affordable."""

import pytest

from tests.e2e.network import Posted, events
from tests.faults.proxy import Call, Fault, Forward, error, http_status, swallow
from tests.faults.world import SLOW, WINDOWS, World
from worker.protocol.outbox import OutboxEntry, TxState
from worker.storage.seats import SeatState

pytestmark = pytest.mark.asyncio(loop_scope="session")

GWEI = 10**9
CAP = 100 * GWEI
"""What a worker pays per gas unless more is at stake."""
DEAR = 300 * GWEI

REFUSALS: dict[str, str | None] = {
    "already known": None,
    "nonce too low: next nonce 5, tx nonce 4": None,
    "replacement transaction underpriced": None,
    "insufficient funds for gas * price + value: balance 0": "gas_money",
    "tx fee (2.10 ether) exceeds the configured cap (1.00 ether)": "gas_too_high",
    "the pool is on fire": "tx_refused",
}
"""What nodes say, and why the worker then is not ready."""


async def test_fault_14__taken_but_never_mined__paid_more_then_cancelled_without_a_gap(
    world: World,
) -> None:
    victim = world.victim
    victim.inject(swallow, "eth_sendRawTransaction")
    victim.inject(_known, "eth_getTransactionByHash")
    posted = await world.post_named(windows=WINDOWS)

    async def is_cancelled() -> bool:
        return any(one.is_cancel for e in world.entries(victim, posted) for one in e.attempts)

    await world.until(is_cancelled, "the claim cancelled once it was too late", within=60)
    (claim,) = world.entries(victim, posted)
    assert len(claim.attempts) >= 3
    assert {one.nonce for one in claim.attempts} == {claim.nonce}
    for before, after in zip(claim.attempts, claim.attempts[1:], strict=False):
        assert after.max_fee * 1000 >= before.max_fee * 1125
        assert after.max_tip * 1000 >= before.max_tip * 1125
    victim.heal()

    await world.network.anvil.skip(12)  # the seats that nobody took are given up
    await world.settled(posted)
    assert world.seats(victim, posted) == [SeatState.VOID]

    async def is_freed() -> bool:
        return [one.state for one in world.entries(victim, posted)] == [TxState.EXPIRED]

    await world.until(is_freed, "the cancellation mined")
    await world.assert_paid(await world.post_named())  # the nonces behind it are free


async def test_fault_15__dropped_from_the_pool__sent_again_as_it_was(world: World) -> None:
    (victim, other), anvil = world.workers, world.network.anvil
    other.inject(lambda: http_status(500))  # what it costs to claim depends on who was first
    posted = await world.post_named()
    await anvil.ask("evm_setIntervalMining", 0)
    try:
        await anvil.ask("anvil_mine", hex(2), hex(1))  # now the posting counts
        pooled: list[OutboxEntry] = []

        async def is_pooled() -> bool:
            pooled[:] = [one for one in world.entries(victim, posted) if one.attempts]
            return bool(pooled) and await anvil.ask("eth_getTransactionByHash", _hash(pooled[0]))

        await world.until(is_pooled, "the first transaction in the pool")
        assert await anvil.ask("anvil_dropTransaction", _hash(pooled[0])) == _hash(pooled[0])
    finally:
        await anvil.ask("evm_setIntervalMining", 1)
    await world.until_claimed(posted, seats=1)
    other.heal()
    await world.assert_paid(posted)
    (signed,) = world.entries(victim, posted)[0].attempts
    sent = [call for proxy in victim.proxies for call in proxy.sent("eth_sendRawTransaction")]
    assert [call["params"][0] for call in sent].count("0x" + signed.raw.hex()) >= 2


async def test_fault_16__refused_in_every_way__told_apart_and_sent_in_the_end(
    world: World,
) -> None:
    victim, refusing = world.victim, _Refusing()
    victim.inject(lambda: refusing, "eth_sendRawTransaction")
    posted = await world.post_named()
    for words, reason in REFUSALS.items():
        refusing.words, refusing.count = words, 0

        async def is_told(reason: str | None = reason) -> bool:
            told = await world.reasons(victim)
            return refusing.count > 2 and (told == ({reason} if reason else set()))

        await world.until(is_told, words)
    victim.heal()
    await world.assert_paid(posted)
    first = world.entries(victim, posted)[0]
    assert first.state is TxState.FINAL
    assert len(first.attempts) > 1  # underpriced: the one refusal that more money mends


async def test_fault_17__gas_is_dear__waits_with_a_claim_and_pays_for_a_bond_at_stake(
    world: World,
) -> None:
    victim, anvil = world.victim, world.network.anvil
    posted = await world.post_named(limits=SLOW)
    await anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(DEAR))

    async def is_waiting() -> bool:
        return "gas_too_high" in await world.reasons(victim)

    await world.until(is_waiting, "not ready: gas costs too much")
    assert await events(world.network, "SeatClaimed", job=posted.key) == []
    await world.until_claimed(posted)  # the base fee falls by itself
    assert max(_fees(world, posted)) <= CAP

    await anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(DEAR))

    async def is_dear() -> bool:
        return max(_fees(world, posted)) > CAP

    await world.until(is_dear, "the seal signed above the cap")
    await anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    await world.assert_paid(posted)


async def test_fault_18__little_gas_money_left__kept_for_what_is_held_and_nothing_new(
    world: World,
) -> None:
    victim, anvil = world.victim, world.network.anvil
    held = await world.post_named(limits=SLOW)
    await world.until_claimed(held)
    address = world.books(victim, lambda books: books.identity.worker)
    await anvil.ask("anvil_setBalance", address, hex(5 * 10**15))  # half of the reserve

    async def is_poor() -> bool:
        return "gas_money" in await world.reasons(victim)

    await world.until(is_poor, "not ready")
    offered = await world.post_named()
    await world.assert_paid(held)
    await world.until_claimed(offered, seats=1)
    assert world.seats(victim, offered) == []
    alert = 'worker_not_ready_reason{reason="gas_money"}'
    assert await world.metric(victim, alert) == 1

    await anvil.ask("anvil_setBalance", address, hex(10**19))
    await world.assert_paid(offered)


def _hash(entry: OutboxEntry) -> str:
    return "0x" + entry.attempts[0].hash.hex()


def _fees(world: World, posted: Posted) -> list[int]:
    """Return the fee caps that the victim has signed for the job."""
    entries = world.entries(world.victim, posted)
    return [attempt.max_fee for entry in entries for attempt in entry.attempts]


def _known() -> Fault:
    """Have every transaction that is asked for."""

    async def fault(call: Call, forward: Forward) -> Call:
        answer = await forward(call)
        return {**answer, "result": answer.get("result") or {"hash": call["params"][0]}}

    return fault


class _Refusing:
    """Refuses transactions in whatever words it is given, and counts them."""

    words = "already known"
    count = 0

    async def __call__(self, call: Call, forward: Forward) -> Call:
        self.count += 1
        return await error(-32000, self.words)(call, forward)
