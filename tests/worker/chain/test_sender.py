"""The sender against a real node: queued, signed, mined, final; in time or not at all."""

import pytest

from tests.faults import proxy as faults
from tests.worker.chain.chain_actors import ticks
from worker.errors import RevertedError
from worker.protocol.outbox import TxState


async def test_tick__queued_intent__mined_then_final(bench):
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench)
    await ticks(bench)
    assert bench.outbox.get("note:1").state is TxState.MINED
    bench.anvil.mine(2)

    status = await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.FINAL
    assert [one.id for one in status.settled] == [entry.id]
    assert entry.inclusion.fee > 0 and status.in_flight == 0
    assert await bench.total() == 7


async def test_enqueue__same_purpose_twice__one_transaction(bench):
    bench.outbox.enqueue(bench.note("note:1", 7))
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench, 3)

    assert bench.anvil.nonce(bench.address) == 1


async def test_tick__several_in_flight__contiguous_nonces_in_one_block(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    for number in range(5):
        bench.outbox.enqueue(bench.note(f"note:{number}"))
    await ticks(bench)
    assert [e.nonce for e in bench.outbox.entries(TxState.PENDING)] == [0, 1, 2, 3, 4]
    bench.anvil.mine(3)

    await ticks(bench)

    assert {e.state for e in bench.outbox.entries()} == {TxState.FINAL}
    assert await bench.total() == 5


async def test_tick__same_head__asks_only_for_what_is_new(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    asked = len(bench.proxy.calls)
    bench.outbox.enqueue(bench.note("note:2"))

    await ticks(bench)

    probes = ("eth_chainId", "eth_blockNumber")
    methods = [one["method"] for one in bench.proxy.calls[asked:] if one["method"] not in probes]
    assert methods == ["eth_getBlockByNumber", "eth_estimateGas", "eth_sendRawTransaction"]
    bench.anvil.mine(3)
    await ticks(bench)
    assert {e.state for e in bench.outbox.entries()} == {TxState.FINAL}


async def test_tick__more_than_the_room__rest_stays_queued(bench):
    bench.restart(max_in_flight=2)
    bench.anvil.rpc("evm_setAutomine", False)
    for number in range(5):
        bench.outbox.enqueue(bench.note(f"note:{number}"))

    status = await ticks(bench)

    assert (status.in_flight, status.queued) == (2, 3)


async def test_tick__certain_revert__fails_with_reason_and_sends_nothing(bench):
    bench.outbox.enqueue(bench.note("note:13", 13))

    await ticks(bench)

    entry = bench.outbox.get("note:13")
    assert (entry.state, entry.reason) == (TxState.FAILED, "notes: unlucky")
    assert bench.proxy.sent("eth_sendRawTransaction") == []


async def test_tick__estimated_behind_others__limit_has_room_for_a_slot_that_they_had_filled(bench):
    bench.proxy.inject(faults.result(hex(50_000)), "eth_estimateGas", times=1)
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    (attempt,) = bench.outbox.get("note:1").attempts
    assert attempt.gas_limit == 50_000 * 6 // 5 + 22_100


async def test_tick__reverts_once_mined__failed_with_reason(bench):
    # The estimate passes through the proxy as if all were well; the chain then refuses.
    bench.proxy.inject(faults.result("0x30000"), "eth_estimateGas", times=1)
    bench.outbox.enqueue(bench.note("note:13", 13))
    await ticks(bench, 2)
    bench.anvil.mine(2)

    await ticks(bench)

    entry = bench.outbox.get("note:13")
    assert (entry.state, entry.reason) == (TxState.FAILED, "notes: unlucky")
    assert not entry.inclusion.succeeded


async def test_tick__too_late_in_the_queue__expires_without_a_transaction(bench):
    now = int(bench.anvil.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    bench.outbox.enqueue(bench.note("note:1", not_after=now))

    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert (entry.state, entry.reason) == (TxState.EXPIRED, "not mined in time")
    assert bench.proxy.sent("eth_sendRawTransaction") == []


async def test_tick__too_late_in_flight__cancelled_and_those_behind_go_on(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    now = int(bench.anvil.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    bench.proxy.inject(faults.swallow(), "eth_sendRawTransaction", times=1)
    bench.outbox.enqueue(bench.note("late", 5, not_after=now + 100))
    bench.outbox.enqueue(bench.note("behind", 7))
    await ticks(bench)
    bench.anvil.rpc("anvil_dropAllTransactions")
    bench.anvil.rpc("evm_increaseTime", 200)
    bench.anvil.mine()

    await ticks(bench)
    bench.anvil.mine(3)
    await ticks(bench)

    late = bench.outbox.get("late")
    assert (late.state, late.reason) == (TxState.EXPIRED, "not mined in time")
    assert late.attempts[-1].is_cancel and late.nonce == 0
    assert bench.outbox.get("behind").state is TxState.FINAL
    assert await bench.total() == 7


async def test_wait__mined__returns_it(bench):
    bench.outbox.enqueue(bench.note("note:1", 7))

    entry = await bench.sender.wait("note:1", within=5)

    assert entry.state is TxState.MINED and entry.inclusion.succeeded


async def test_wait__revert__raises_the_reason(bench):
    bench.outbox.enqueue(bench.note("note:13", 13))

    with pytest.raises(RevertedError, match="notes: unlucky"):
        await bench.sender.wait("note:13", within=5)
