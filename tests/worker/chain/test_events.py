"""The scanner: every event once, whatever the endpoints and the chain do."""

import asyncio

import pytest
from eth_utils.crypto import keccak

from tests.faults import proxy as faults
from worker.chain.events import LogScanner
from worker.errors import RpcError, StaleBlockError, WrongChainError
from worker.storage.cursor import CursorStore
from worker.storage.database import Database


class Reader:
    """What the watcher does: store the events of a scan and its window in one step."""

    def __init__(self, bench, depth=0):
        self.bench = bench
        self.scanner = LogScanner(bench.pool, bench.contracts, bench.config, depth)
        self.database = Database(bench.path)
        self.cursor = CursorStore(self.database)
        self.handled = {}  # event: its block
        self.values = []
        self.blocks = []
        self.reorgs = []

    async def scan(self):
        scan = await self.scanner.scan(self.cursor.load())
        with self.database.transaction():
            if scan.rollback_to is not None:
                self.reorgs.append(scan.reorg_depth)
                self.cursor.forget_above(scan.rollback_to)
                self.handled = {e: b for e, b in self.handled.items() if b <= scan.rollback_to}
                kept = [number <= scan.rollback_to for number in self.blocks]
                self.values = [v for v, keep in zip(self.values, kept, strict=True) if keep]
                self.blocks = [b for b in self.blocks if b <= scan.rollback_to]
            for event in scan.events:
                identity = (event.block_hash, event.log_index)
                if identity not in self.handled:
                    self.handled[identity] = event.block_number
                    self.values.append(event.args["value"])
                    self.blocks.append(event.block_number)
            self.cursor.save(scan.window)
        return scan

    async def catch_up(self):
        while not (scan := await self.scan()).is_caught_up:
            pass
        return scan


@pytest.fixture
def note(bench):
    def send(value, **changes):
        call = {
            "from": bench.address,
            "to": bench.contracts.address("Notes"),
            "data": "0x" + bench.contracts.encode("Notes", "note", (value, bytes(32))).hex(),
            **changes,
        }
        tx_hash = bench.anvil.rpc("eth_sendTransaction", call)
        bench.anvil.drain()
        return tx_hash

    return send


async def test_scan__events__decoded_in_order_and_once(bench, note):
    reader = Reader(bench)
    for value in (1, 2, 3):
        note(value)
    first = await reader.catch_up()
    note(4)
    second = await reader.catch_up()

    assert reader.values == [1, 2, 3, 4]
    event = first.events[0]
    assert (event.name, event.contract) == ("Noted", "Notes")
    assert event.args == {
        "by": bench.address,
        "value": 1,
        "terms": (1, bytes(32)),
        "words": "",
    }
    assert len(second.events) == 4  # the overlap is read again


async def test_scan__depth__only_events_that_lie_deep_enough(bench, note):
    reader = Reader(bench, depth=3)
    note(1)
    await reader.catch_up()
    assert reader.values == []
    bench.anvil.mine(3)

    scan = await reader.catch_up()

    assert reader.values == [1] and scan.scanned_to == scan.head.number - 3


async def test_scan__nothing_new__same_window(bench, note):
    reader = Reader(bench)
    note(1)
    await reader.catch_up()
    window = reader.cursor.load()

    scan = await reader.catch_up()

    assert dict(scan.window) == window and reader.values == [1]


async def test_scan__restarted__goes_on_where_it_was(bench, note):
    first = Reader(bench)
    note(1)
    await first.catch_up()
    note(2)

    second = Reader(bench)
    second.handled = first.handled  # stored with the window
    await second.catch_up()

    assert second.values == [2]


@pytest.mark.parametrize("depth", [1, 2, 5])
async def test_scan__reorg__reported_with_its_depth_and_undone(bench, note, depth):
    reader = Reader(bench)
    note(1)
    bench.anvil.mine(3)
    for value in range(2, 2 + depth):
        note(value)
    await reader.catch_up()

    bench.anvil.rpc("anvil_reorg", depth, [])
    await reader.catch_up()

    assert reader.values == [1] and reader.reorgs == [depth]


async def test_scan__reorg_with_other_content__sees_the_new_content(bench, note):
    reader = Reader(bench)
    note(1)
    await reader.catch_up()
    other = {
        "from": bench.address,
        "to": bench.contracts.address("Notes"),
        "data": "0x" + bench.contracts.encode("Notes", "note", (9, bytes(32))).hex(),
        "gas": hex(200_000),
    }
    bench.anvil.rpc("anvil_reorg", 1, [[other, 0]])

    await reader.catch_up()

    assert reader.values == [9]


async def test_scan__chain_gets_shorter__waits_and_then_reports_the_reorg(bench, note):
    reader = Reader(bench)
    bench.anvil.mine(3)
    note(1)
    await reader.catch_up()
    bench.anvil.rpc("anvil_rollback", 1)
    await reader.scan()
    assert reader.reorgs == []
    bench.anvil.rpc("evm_increaseTime", 5)
    bench.anvil.mine(2)

    await reader.catch_up()

    assert reader.values == [] and reader.reorgs == [1]


async def test_scan__reorg_below_the_window__stops(bench, note):
    reader = Reader(bench)
    bench.anvil.mine(2)
    await reader.catch_up()
    with reader.database.transaction():
        reader.cursor.save({number: b"x" * 32 for number in (1, 2)})

    with pytest.raises(WrongChainError, match="reorganised below block 1"):
        await reader.scan()


@pytest.mark.parametrize("vendor", faults.RANGE_LIMITS)
@pytest.mark.parametrize("most", [1, 5])
async def test_scan__range_limit__converges_and_skips_no_block(bench, note, vendor, most):
    for value in range(1, 5):
        note(value)
        bench.anvil.mine(9)
    bench.proxy.inject(faults.range_limit(vendor, most), "eth_getLogs")
    reader = Reader(bench)

    await reader.catch_up()

    assert reader.values == [1, 2, 3, 4]
    assert len(bench.proxy.sent("eth_getLogs")) < 40 / most * 2.5 + 15


async def test_scan__logs_missing_for_a_moment__found_in_the_overlap(bench, note):
    reader = Reader(bench)
    await reader.catch_up()
    note(1)
    note(2)
    bench.proxy.inject(faults.transform(lambda logs: logs[:1]), "eth_getLogs", times=1)
    await reader.catch_up()
    assert reader.values == [1]
    bench.anvil.mine(3)

    await reader.catch_up()

    assert reader.values == [1, 2]


async def test_scan__logs_twice_and_in_disorder__each_once_in_order(bench, note):
    for value in range(1, 6):
        note(value)
    bench.proxy.inject(faults.shuffled(), "eth_getLogs")
    reader = Reader(bench)

    await reader.catch_up()

    assert reader.values == [1, 2, 3, 4, 5]


async def test_scan__removed_logs__refused(bench, note):
    note(1)
    bench.proxy.inject(
        faults.transform(lambda logs: [{**log, "removed": True} for log in logs]), "eth_getLogs"
    )

    with pytest.raises(RpcError, match="other blocks than asked for"):
        await Reader(bench).scan()


async def test_scan__logs_of_a_branch_that_is_gone__not_believed(bench, note):
    note(1)
    gone = "0x" + keccak(b"gone").hex()
    bench.proxy.inject(
        faults.transform(lambda logs: [{**log, "blockHash": gone} for log in logs]),
        "eth_getLogs",
        times=1,
    )
    reader = Reader(bench)
    with pytest.raises(StaleBlockError, match="reorganised while it was read"):
        await reader.scan()

    await reader.catch_up()

    assert reader.values == [1]


async def test_scan__endpoint_fails_now_and_then__all_events_in_the_end(bench, note):
    for value in range(1, 4):
        note(value)
    bench.proxy.inject(faults.http_status(503), probability=0.2)
    reader = Reader(bench)
    for _ in range(200):
        try:
            await reader.catch_up()
            break
        except RpcError:
            await asyncio.sleep(0.01)

    assert reader.values == [1, 2, 3]


async def test_scan__random_nonsense__only_our_errors_and_then_all_events(bench, note):
    for value in range(1, 4):
        note(value)
    reader = Reader(bench)
    for seed in range(60):
        bench.proxy.heal()
        bench.proxy.inject(faults.nonsense(seed), probability=0.5)
        try:
            await reader.scan()
        except Exception as error:
            assert type(error).__module__.startswith("worker."), repr(error)
    bench.proxy.heal()
    reader = Reader(bench)
    reader.cursor.forget_above(-1)

    await reader.catch_up()

    assert reader.values == [1, 2, 3]
