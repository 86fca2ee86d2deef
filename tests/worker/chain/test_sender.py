"""The sender against a real node: nothing lost, nothing doubled, no gap, no overpayment."""

import pytest

from tests.faults import proxy as faults
from worker.errors import InsufficientFundsError, RevertedError, RpcError
from worker.health import Reason
from worker.protocol.outbox import Intent, TxState

GWEI = 10**9


async def ticks(bench, count=1):
    for _ in range(count):
        status = await bench.sender.tick()
        bench.anvil.drain()
    return status


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


async def test_tick__more_than_the_room__rest_stays_queued(bench):
    bench.restart(max_in_flight=2)
    bench.anvil.rpc("evm_setAutomine", False)
    for number in range(5):
        bench.outbox.enqueue(bench.note(f"note:{number}"))

    status = await ticks(bench)

    assert (status.in_flight, status.queued) == (2, 3)


async def test_tick__certain_revert__fails_with_reason_and_sends_nothing(bench):
    bench.outbox.enqueue(bench.note("note:13", 13))
    bench.outbox.enqueue(bench.note("note:13 with a limit", 13, gas_limit=200_000))

    await ticks(bench)

    for purpose in ("note:13", "note:13 with a limit"):
        entry = bench.outbox.get(purpose)
        assert (entry.state, entry.reason) == (TxState.FAILED, "notes: unlucky")
    assert bench.proxy.sent("eth_sendRawTransaction") == []


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


async def test_tick__crash_between_store_and_broadcast__sent_once_after_restart(bench):
    bench.proxy.inject(faults.http_status(500), "eth_sendRawTransaction")
    bench.outbox.enqueue(bench.note("note:1", 7))
    with pytest.raises(RpcError):
        await ticks(bench)
    stored = bench.outbox.get("note:1").attempts[0]
    bench.proxy.heal()

    bench.restart()
    await ticks(bench, 2)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.MINED and entry.inclusion.tx_hash == stored.hash
    assert bench.anvil.nonce(bench.address) == 1 and await bench.total() == 7


async def test_tick__crash_before_the_commit__nothing_was_sent(bench, monkeypatch):
    bench.outbox.enqueue(bench.note("note:1"))
    monkeypatch.setattr(bench.outbox, "add_attempt", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await ticks(bench)
    assert bench.proxy.sent("eth_sendRawTransaction") == []

    bench.restart()
    await ticks(bench, 2)

    assert bench.anvil.nonce(bench.address) == 1


async def test_tick__crash_after_the_broadcast__not_sent_again(bench):
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    sent = len(bench.proxy.sent("eth_sendRawTransaction"))

    bench.restart()
    await ticks(bench, 3)

    assert len(bench.proxy.sent("eth_sendRawTransaction")) == sent == 1
    assert bench.anvil.nonce(bench.address) == 1


@pytest.mark.parametrize("depth", [1, 2, 5])
async def test_tick__reorg_drops_it__same_bytes_again_and_one_effect(bench, depth):
    bench.restart(confirmations=2)
    bench.anvil.mine(3)
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench)
    bench.anvil.mine(depth - 1)
    await ticks(bench)
    first = bench.outbox.get("note:1").inclusion.tx_hash

    bench.anvil.rpc("anvil_reorg", depth, [])
    assert await bench.total() == 0
    await ticks(bench, 2)
    bench.anvil.mine(2)
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.FINAL
    assert entry.inclusion.tx_hash == first and len(entry.attempts) == 1
    assert await bench.total() == 7


async def test_tick__dropped_from_the_pool__sent_again(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    tx_hash = "0x" + bench.outbox.get("note:1").attempts[0].hash.hex()
    assert bench.anvil.rpc("anvil_dropTransaction", tx_hash) == tx_hash
    bench.anvil.mine()

    await ticks(bench)
    bench.anvil.mine()
    await ticks(bench)

    assert bench.outbox.get("note:1").state is TxState.MINED


async def test_tick__endpoint_swallows_it__bumped_by_an_eighth_then_mined(bench):
    bench.proxy.inject(faults.swallow(), "eth_sendRawTransaction")
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    for _ in range(3):
        bench.anvil.mine(2)
        await ticks(bench)
    bench.proxy.heal()
    bench.anvil.mine()
    await ticks(bench, 2)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.MINED and len(entry.attempts) == 4
    assert {attempt.nonce for attempt in entry.attempts} == {0}
    for old, new in zip(entry.attempts, entry.attempts[1:], strict=False):
        assert new.max_fee * 1000 >= old.max_fee * 1125
        assert new.max_tip * 1000 >= old.max_tip * 1125


async def test_tick__base_fee_rises_over_the_stored_fee__replaced_and_mined(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    for _ in range(3):
        bench.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
        bench.anvil.mine()
        await ticks(bench)
    bench.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
    bench.anvil.mine()
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.MINED and len(entry.attempts) == 2


async def test_tick__base_fee_over_the_cap__waits_unless_more_is_at_stake(bench):
    bench.restart(max_fee_gwei=50)
    bench.anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
    bench.anvil.mine()
    bench.outbox.enqueue(bench.note("cheap"))
    bench.outbox.enqueue(bench.note("dear", worth=10**18))

    status = await ticks(bench)

    assert Reason.GAS_TOO_HIGH in status.reasons
    assert bench.outbox.get("cheap").state is TxState.QUEUED
    assert bench.outbox.get("dear").state is TxState.PENDING
    await ticks(bench)
    assert bench.outbox.get("dear").state is TxState.MINED


async def test_tick__no_gas_money__says_so_and_sends_once_funded(bench):
    bench.anvil.rpc("anvil_setBalance", bench.address, "0x1")
    bench.outbox.enqueue(bench.note("note:1"))
    status = await ticks(bench)
    assert Reason.GAS_MONEY in status.reasons and status.balance == 1
    assert bench.outbox.get("note:1").attempts == ()

    bench.anvil.rpc("anvil_setBalance", bench.address, hex(10**18))
    bench.anvil.mine()
    status = await ticks(bench)

    assert status.reasons == frozenset()
    assert bench.anvil.nonce(bench.address) == 1


async def test_tick__money_gone_after_signing__same_bytes_are_kept_without_a_bump(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.proxy.inject(
        faults.error(-32000, "insufficient funds for gas * price + value"),
        "eth_sendRawTransaction",
    )
    bench.outbox.enqueue(bench.note("note:1"))

    status = await ticks(bench)
    assert Reason.GAS_MONEY in status.reasons
    bench.proxy.heal()
    await ticks(bench)
    bench.anvil.mine()
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.MINED and len(entry.attempts) == 1


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


async def test_tick__stuck_and_now_reverting__cancelled_with_the_reason(bench):
    bench.proxy.inject(faults.result("0x30000"), "eth_estimateGas", times=1)
    bench.proxy.inject(faults.swallow(), "eth_sendRawTransaction", times=1)
    bench.anvil.rpc("evm_setAutomine", False)
    bench.outbox.enqueue(bench.note("note:13", 13))
    await ticks(bench)
    bench.anvil.mine(2)
    await ticks(bench)
    bench.anvil.mine(3)
    await ticks(bench)

    entry = bench.outbox.get("note:13")
    assert (entry.state, entry.reason) == (TxState.EXPIRED, "notes: unlucky")


async def test_tick__nonce_used_by_another_transaction__gets_a_new_one(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.proxy.inject(faults.swallow(), "eth_sendRawTransaction", times=1)
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench)
    bench.anvil.rpc(
        "eth_sendTransaction", {"from": bench.address, "to": bench.address, "nonce": "0x0"}
    )
    bench.anvil.mine(4)

    await ticks(bench)
    bench.anvil.mine(3)
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.FINAL and entry.nonce == 1
    assert await bench.total() == 7


async def test_tick__foreign_transaction_vanishes__gap_is_filled(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    foreign = bench.anvil.rpc(
        "eth_sendTransaction", {"from": bench.address, "to": bench.address, "gas": hex(21_000)}
    )
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench)
    assert bench.outbox.get("note:1").nonce == 1  # leaves the waiting one alone
    bench.anvil.rpc("anvil_dropTransaction", foreign)
    bench.anvil.mine()

    await ticks(bench)
    bench.anvil.mine(3)
    await ticks(bench)

    assert bench.outbox.get("note:1").state is TxState.FINAL
    assert bench.anvil.nonce(bench.address) == 2


async def test_tick__node_takes_only_an_eighth_more__replacement_is_accepted(bench):
    bench.anvil.rpc("evm_setAutomine", False)
    bench.proxy.inject(
        faults.error(-32000, "replacement transaction underpriced"),
        "eth_sendRawTransaction",
        times=1,
    )
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench, 2)
    bench.anvil.mine()
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert entry.state is TxState.MINED and len(entry.attempts) == 2


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", Reason.GAS_TOO_HIGH),
        ("the moon is in the wrong place", Reason.TX_REFUSED),
    ],
)
async def test_tick__refused__reason_is_reported_and_it_is_tried_again(bench, message, reason):
    bench.proxy.inject(faults.error(-32000, message), "eth_sendRawTransaction", times=1)
    bench.outbox.enqueue(bench.note("note:1"))

    assert (await ticks(bench)).reasons == {reason}
    assert (await ticks(bench)).reasons == frozenset()
    assert bench.anvil.nonce(bench.address) == 1


async def test_tick__settled_and_then_reorganised__sent_again(bench):
    bench.anvil.mine(3)
    bench.outbox.enqueue(bench.note("note:1", 7))
    await ticks(bench)
    bench.anvil.mine(3)
    await ticks(bench)
    assert bench.outbox.get("note:1").state is TxState.FINAL

    bench.anvil.rpc("anvil_reorg", 5, [])
    await ticks(bench, 2)

    assert bench.outbox.get("note:1").state is TxState.MINED
    assert await bench.total() == 7


async def test_tick__random_nonsense__never_sends_and_recovers(bench):
    bench.outbox.enqueue(bench.note("note:1", 7))
    for seed in range(25):
        bench.proxy.heal()
        bench.proxy.inject(faults.nonsense(seed))
        with pytest.raises(Exception) as caught:
            await ticks(bench)
        assert caught.type.__module__ == "worker.errors"
    assert bench.proxy.sent("eth_sendRawTransaction") == []

    bench.proxy.heal()
    await ticks(bench, 2)

    assert await bench.total() == 7


async def test_wait__mined__returns_it(bench):
    bench.outbox.enqueue(bench.note("note:1", 7))

    entry = await bench.sender.wait("note:1", within=5)

    assert entry.state is TxState.MINED and entry.inclusion.succeeded


async def test_wait__revert__raises_the_reason(bench):
    bench.outbox.enqueue(bench.note("note:13", 13))

    with pytest.raises(RevertedError, match="notes: unlucky"):
        await bench.sender.wait("note:13", within=5)


async def test_wait__no_money__raises_and_gives_up(bench):
    bench.anvil.rpc("anvil_setBalance", bench.address, "0x0")
    bench.outbox.enqueue(Intent("gift", bench.contracts.address("Notes"), b"", value=10**18))

    with pytest.raises(InsufficientFundsError):
        await bench.sender.wait("gift", within=5)

    assert bench.outbox.get("gift").state is TxState.EXPIRED
