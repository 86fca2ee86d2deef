"""The sender through crashes, reorganisations and lossy nodes: nothing lost, nothing doubled."""

import pytest

from tests.faults import proxy as faults
from tests.worker.chain.chain_actors import ticks
from worker.errors import RpcError
from worker.protocol.outbox import TxState


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
