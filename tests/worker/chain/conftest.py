from collections.abc import AsyncIterator, Iterator

import pytest
from eth_utils.crypto import keccak

from tests.faults.anvil import Anvil
from tests.faults.proxy import Proxy
from tests.worker.chain.chain_actors import CHAIN_ID, Bench, compiled, config_for
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.keys import dev_signer
from worker.chain.sender import Sender
from worker.storage.database import Database
from worker.storage.outbox import SqliteOutbox


@pytest.fixture(scope="session")
def node() -> Iterator[Anvil]:
    anvil = Anvil("--hardfork", "cancun")
    yield anvil
    anvil.stop()


@pytest.fixture
def anvil(node: Anvil) -> Anvil:
    """A fresh chain: block 0, full purses, a block per transaction."""
    node.rpc("anvil_reset")
    node.rpc("evm_setAutomine", True)
    return node


@pytest.fixture
def deployment(anvil: Anvil) -> Deployment:
    deployer = dev_signer(9, CHAIN_ID).address
    code = compiled()["bytecode"]
    tx_hash = anvil.rpc(
        "eth_sendTransaction", {"from": deployer, "data": code, "gas": hex(3_000_000)}
    )
    receipt = None
    while receipt is None:  # anvil mines a moment after it answers
        receipt = anvil.rpc("eth_getTransactionReceipt", tx_hash)
    runtime = anvil.rpc("eth_getCode", receipt["contractAddress"], "latest")
    return Deployment.model_validate(
        {
            "chain_id": CHAIN_ID,
            "genesis_hash": anvil.rpc("eth_getBlockByNumber", "0x0", False)["hash"],
            "block": int(receipt["blockNumber"], 16),
            "contracts": {
                "Notes": {
                    "address": receipt["contractAddress"],
                    "abi": compiled()["abi"],
                    "code_hash": "0x" + keccak(hexstr=runtime).hex(),
                }
            },
        }
    )


@pytest.fixture
def signer():
    return dev_signer(0, CHAIN_ID)


@pytest.fixture
async def proxy(anvil: Anvil) -> AsyncIterator[Proxy]:
    async with Proxy(anvil.url) as running:
        yield running


@pytest.fixture
async def second(anvil: Anvil) -> AsyncIterator[Proxy]:
    async with Proxy(anvil.url) as running:
        yield running


@pytest.fixture
async def bench(anvil, proxy, deployment, signer, tmp_path) -> AsyncIterator[Bench]:
    config = config_for(proxy.url)
    path = tmp_path / "store" / "worker.sqlite"
    outbox = SqliteOutbox(Database(path))
    async with RpcPool(config, deployment.identity) as pool:
        contracts = Contracts(deployment, pool)
        sender = Sender(pool, outbox, signer, config, CHAIN_ID)
        yield Bench(anvil, proxy, pool, contracts, config, path, outbox, sender, signer.address)
