"""What the sender pays: no more than it is worth, no less than a node takes, nothing unfunded."""

import pytest

from tests.faults import proxy as faults
from tests.worker.chain.chain_actors import ticks
from worker.errors import InsufficientFundsError
from worker.health import Reason
from worker.protocol.outbox import Intent, TxState

GWEI = 10**9


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


async def test_tick__stuck_where_the_node_has_it_already__not_cancelled(bench):
    async def estimates_behind_its_pool(call, forward):
        if len(call["params"]) > 1:
            return await forward(call)
        return await faults.error(3, "execution reverted: notes: done already")(call, forward)

    bench.anvil.rpc("evm_setAutomine", False)
    bench.proxy.inject(faults.swallow(), "eth_sendRawTransaction", times=1)
    bench.outbox.enqueue(bench.note("note:1"))
    await ticks(bench)
    bench.proxy.inject(estimates_behind_its_pool, "eth_estimateGas")
    for _ in range(2):
        bench.anvil.mine(2)
        await ticks(bench, 2)
    bench.anvil.mine(1)
    await ticks(bench)

    entry = bench.outbox.get("note:1")
    assert not any(attempt.is_cancel for attempt in entry.attempts)
    assert entry.state is TxState.FINAL and await bench.total() == 1


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


async def test_wait__no_money__raises_and_gives_up(bench):
    bench.anvil.rpc("anvil_setBalance", bench.address, "0x0")
    bench.outbox.enqueue(Intent("gift", bench.contracts.address("Notes"), b"", value=10**18))

    with pytest.raises(InsufficientFundsError):
        await bench.sender.wait("gift", within=5)

    assert bench.outbox.get("gift").state is TxState.EXPIRED
