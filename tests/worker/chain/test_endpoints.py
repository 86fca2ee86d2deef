"""The pool against endpoints that hang, lag, fail, lie or are somebody else's chain."""

import asyncio
import time

import pytest

from tests.faults import proxy as faults
from tests.faults.proxy import Proxy
from tests.worker.chain.chain_actors import CHAIN_ID, config_for
from worker.chain.deployment import ChainIdentity
from worker.chain.endpoints import RpcPool
from worker.chain.keys import dev_signer
from worker.chain.sender import Sender
from worker.chain.wire import parse_quantity
from worker.errors import RpcError, StaleBlockError, WrongChainError
from worker.protocol.outbox import Intent, TxState
from worker.storage.database import Database
from worker.storage.outbox import SqliteOutbox

IDENTITY = ChainIdentity(CHAIN_ID)


async def until(condition, within=5.0):
    give_up = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up, "not in time"
        await asyncio.sleep(0.02)


FAILURES = {
    "429": faults.http_status(429),
    "500": faults.http_status(500),
    "502 with a page": faults.html(502),
    "200 with a page": faults.html(),
    "half a document": faults.invalid_json(),
    "another call's answer": faults.wrong_id(),
    "limit exceeded": faults.error(-32005, "daily request count exceeded, request rate limited"),
    "internal": faults.error(-32603, "Internal error"),
    "quantity as a number": faults.result(5),
    "nothing": faults.result(None),
    "negative": faults.result("-0x1"),
    "endless": faults.result("0x" + "f" * 65),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_call__first_endpoint_fails__second_answers_at_once(proxy, second, failure):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(FAILURES[failure])
        started = time.monotonic()

        assert await pool.call("eth_blockNumber", [], parse_quantity) == 0

        assert time.monotonic() - started < 1
        assert not pool.status()[0].is_usable and sum(pool.status()[0].failures.values()) >= 1


async def test_call__first_endpoint_hangs__left_within_five_seconds(proxy, second):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(faults.hang())
        started = time.monotonic()

        await pool.call("eth_blockNumber", [], parse_quantity)
        assert time.monotonic() - started < 5

        started = time.monotonic()
        await pool.call("eth_blockNumber", [], parse_quantity)
        assert time.monotonic() - started < 0.5  # the next call does not even try it


async def test_status__idle_endpoint_hangs__noticed_without_a_call(proxy, second):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(faults.hang())

        await until(lambda: not pool.status()[0].is_usable)


async def test_call__endpoint_far_behind__left(anvil, proxy, second):
    anvil.mine(30)
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        proxy.inject(faults.stale(20))

        await until(lambda: not pool.status()[0].is_usable)

        assert (await pool.head()).number == 30
        assert pool.status()[0].lag == 20


async def test_call__endpoint_frozen_one_block_behind__left(anvil, proxy, second):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(faults.result("0x0"), "eth_blockNumber")
        anvil.mine()

        await until(lambda: not pool.status()[0].is_usable)

        proxy.heal()
        await until(lambda: pool.status()[0].is_usable)


async def test_call__at_least_block__asks_the_one_that_has_it(anvil, proxy, second):
    anvil.mine(10)
    proxy.inject(faults.stale(3))
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        block = await pool.block(10, at_least_block=10)
        assert block.number == 10

        second.inject(faults.stale(3))
        with pytest.raises(StaleBlockError, match="is at block 7, not yet at 10"):
            await pool.block(10, at_least_block=10)


async def test_call__head_goes_backwards_everywhere__goes_on(anvil, proxy):
    anvil.mine(10)
    async with RpcPool(config_for(proxy.url), IDENTITY) as pool:
        assert (await pool.head()).number == 10
        anvil.rpc("anvil_rollback", 4)

        assert (await pool.head()).number == 6


async def test_call__one_of_three_claims_a_higher_head__others_stay(anvil, proxy, second):
    async with Proxy(anvil.url) as third:
        third.inject(faults.result(hex(10**9)), "eth_blockNumber")
        urls = (proxy.url, second.url, third.url)
        async with RpcPool(config_for(*urls), IDENTITY) as pool:
            await until(lambda: len(third.sent("eth_blockNumber")) >= 3)
            await until(lambda: len(proxy.sent("eth_blockNumber")) >= 3)

            assert [one.is_usable for one in pool.status()] == [True, True, True]


async def test_call__endpoint_is_back__preferred_again(proxy, second):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        proxy.inject(faults.http_status(503), times=1)
        await pool.head()
        assert not pool.status()[0].is_usable

        await until(lambda: pool.status()[0].is_usable)
        before = len(second.sent("eth_getBlockByNumber"))
        await pool.head()
        assert len(second.sent("eth_getBlockByNumber")) == before


async def test_call__nobody_answers__error_names_hosts_but_no_secrets(proxy, second):
    proxy.inject(faults.http_status(500))
    second.inject(faults.html())
    secret = proxy.url.replace("http://", "http://me:hunter2@") + "/v3/0123456789abcdef?key=k1"
    async with RpcPool(config_for(secret, second.url), IDENTITY) as pool:
        with pytest.raises(RpcError) as caught:
            await pool.head()

    text = str(caught.value)
    assert "HTTP status 500" in text and "not JSON" in text and proxy.url in text
    assert not any(word in text for word in ("hunter2", "0123456789abcdef", "k1"))


async def test_call__nobody_listens__rpc_error():
    async with RpcPool(config_for("http://127.0.0.1:1"), IDENTITY) as pool:
        with pytest.raises(RpcError, match=r"no endpoint gave a usable answer"):
            await pool.head()


async def test_call__all_on_another_chain__refused(proxy):
    async with RpcPool(config_for(proxy.url), ChainIdentity(1)) as pool:
        with pytest.raises(WrongChainError, match="is on chain 31337, not 1"):
            await pool.head()


async def test_call__other_genesis__refused(proxy, deployment):
    identity = ChainIdentity(CHAIN_ID, b"\1" * 32, deployment.identity.contracts)
    async with RpcPool(config_for(proxy.url), identity) as pool:
        with pytest.raises(WrongChainError, match="another genesis block"):
            await pool.head()


async def test_call__contracts_have_other_code__refused(anvil, proxy, deployment):
    address = deployment.contracts["Notes"].address
    anvil.rpc("anvil_setCode", address, "0x6001")
    async with RpcPool(config_for(proxy.url), deployment.identity) as pool:
        with pytest.raises(WrongChainError, match=f"other code .* for Notes at {address}"):
            await pool.head()


async def test_call__contracts_are_missing__refused(anvil, proxy, deployment):
    anvil.rpc("anvil_setCode", deployment.contracts["Notes"].address, "0x")
    async with RpcPool(config_for(proxy.url), deployment.identity) as pool:
        with pytest.raises(WrongChainError, match="has no contract Notes"):
            await pool.head()


async def test_call__endpoint_changes_to_another_chain_meanwhile__left(proxy, second):
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(faults.result("0x1"), "eth_chainId")

        await until(lambda: (pool.status()[0].error or "").startswith("is on chain 1"))

        assert (await pool.head()).number == 0
        assert not pool.status()[0].is_usable


async def test_call__endpoint_comes_back__its_probe_is_first_to_ask_it(proxy, second):
    config = config_for(proxy.url, second.url, probe_seconds=60)
    async with RpcPool(config, IDENTITY) as pool:
        near, far = pool._endpoints
        await until(lambda: near.head is not None and far.head is not None)
        proxy.inject(faults.http_status(500), times=1)
        await pool.head()
        await until(lambda: near.is_open)
        asked = len(proxy.calls)

        await pool.head()
        assert len(proxy.calls) == asked

        await pool._probe(near)
        await pool.head()
        assert proxy.calls[-1]["method"] == "eth_getBlockByNumber"


async def test_call__the_one_left_is_on_another_chain__no_reason_to_stop(proxy, second):
    second.inject(faults.result("0x1"), "eth_chainId")
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        await pool.head()
        proxy.inject(faults.http_status(500))
        for _ in range(3):
            with pytest.raises(RpcError, match="no endpoint gave a usable answer"):
                await pool.head()

        proxy.inject(faults.result("0x1"), "eth_chainId")
        proxy._rules.reverse()
        with pytest.raises(RpcError, match="is on chain 1"):
            await pool.head()
        proxy.heal()
        assert (await pool.head()).number == 0


async def test_tick__only_endpoint_is_on_another_chain__no_transaction_is_sent(
    anvil, proxy, tmp_path
):
    proxy.inject(faults.result("0x1"), "eth_chainId")
    signer = dev_signer(0, CHAIN_ID)
    outbox = SqliteOutbox(Database(tmp_path / "store" / "worker.sqlite"))
    outbox.enqueue(Intent("gift", signer.address, b""))
    config = config_for(proxy.url)
    async with RpcPool(config, IDENTITY) as pool:
        with pytest.raises(WrongChainError):
            await Sender(pool, outbox, signer, config, CHAIN_ID).tick()

    assert proxy.sent("eth_sendRawTransaction") == []
    assert outbox.get("gift").state is TxState.QUEUED


async def test_broadcast__first_endpoint_swallows__the_others_have_it(anvil, proxy, second):
    proxy.inject(faults.swallow(), "eth_sendRawTransaction")
    signer = dev_signer(0, CHAIN_ID)
    raw, tx_hash = signer.sign_transaction(
        {
            "type": 2,
            "chainId": CHAIN_ID,
            "nonce": 0,
            "to": signer.address,
            "data": b"",
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
        }
    )
    async with RpcPool(config_for(proxy.url, second.url), IDENTITY) as pool:
        assert await pool.broadcast(raw) is None
        assert await pool.broadcast(raw) is None  # again is no error
        anvil.drain()

        receipt = await pool.receipt(tx_hash)

    assert receipt is not None and receipt.succeeded
