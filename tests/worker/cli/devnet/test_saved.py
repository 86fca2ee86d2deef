"""The saved chain: a deployment is made once, loaded ever after, made anew when it does not fit."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from worker.chain.config import ChainConfig
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.cli.devnet import saved
from worker.cli.devnet.anvil import CHAIN_ID, Anvil, start_anvil

ROOT = Path(__file__).parents[4]
CREATION = "0x60016000526001601ff3"  # returns one byte, 1, as the contract's code
CODE_HASH = "0x" + keccak(b"\x01").hex()

Bring = Callable[[Anvil], Awaitable[Deployment]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a contract, and a cache of its own."""
    folder = tmp_path / "checkout"
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "One.vy").write_text("# a source")
    return folder


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chains that a contract was deployed to: one of a single byte instead of the network's."""
    urls: list[str] = []

    async def deploy(_: Path, anvil: Anvil, folder: Path, log: Path) -> Deployment:
        urls.append(anvil.url)
        sender = (await anvil.ask("eth_accounts"))[0]
        sent = await anvil.ask("eth_sendTransaction", {"from": sender, "data": CREATION})
        await anvil.skip(1_000)  # ahead of the clock
        receipt = await anvil.ask("eth_getTransactionReceipt", sent)
        genesis = await anvil.ask("eth_getBlockByNumber", "0x0", False)
        one = {"address": receipt["contractAddress"], "abi": [], "code_hash": CODE_HASH}
        fields = {"chain_id": CHAIN_ID, "genesis_hash": genesis["hash"], "block": 0}
        file = folder / f"{CHAIN_ID}.json"
        file.write_text(json.dumps(fields | {"contracts": {"One": one}}))
        return Deployment.load(file)

    monkeypatch.setattr(saved, "deploy", deploy)
    return urls


@asynccontextmanager
async def chain(tmp_path: Path) -> AsyncIterator[Anvil]:
    anvil = await start_anvil(ROOT, tmp_path / "anvil.log")
    try:
        yield anvil
    finally:
        await anvil.stop()


@pytest.fixture
def bring(checkout: Path, tmp_path: Path) -> Bring:
    async def bring(anvil: Anvil) -> Deployment:
        folder = tmp_path / anvil.url.rsplit(":")[-1]
        folder.mkdir()
        deployment = await saved.deploy_or_load(checkout, anvil, folder, folder / "deploy.log")
        assert deployment == Deployment.load(folder / "31337.json")
        config = ChainConfig.model_validate({"rpc_urls": [anvil.url]})
        async with RpcPool(config, deployment.identity) as pool:
            await pool.head()  # refused by a chain without these contracts
        return deployment

    return bring


async def test_deploy_or_load__three_chains__one_is_deployed_and_time_goes_on(
    tmp_path, bring, deployed
):
    async with chain(tmp_path) as one, chain(tmp_path) as two, chain(tmp_path) as three:
        first, second = await asyncio.gather(bring(one), bring(two))
        third = await bring(three)

        assert len(deployed) == 1
        assert first == second == third
        for anvil in (two, three):
            before = await anvil.ask("eth_getBlockByNumber", "latest", False)
            await anvil.ask("evm_mine")
            after = await anvil.ask("eth_getBlockByNumber", "latest", False)
            assert int(after["timestamp"], 16) >= int(before["timestamp"], 16)


def _tear(checkout: Path) -> None:
    file = checkout / ".cache" / "chain.json"
    file.write_text(file.read_text()[:-1000])


def _change(checkout: Path) -> None:
    (checkout / "contracts" / "One.vy").write_text("# another source")


def _forget(checkout: Path) -> None:
    file = checkout / ".cache" / "chain.json"
    fields = json.loads(file.read_text())
    del fields["state"]
    file.write_text(json.dumps(fields))


@pytest.mark.parametrize("spoil", [_tear, _change, _forget])
async def test_deploy_or_load__saved_chain_does_not_fit__deployed_anew(
    tmp_path, checkout, bring, deployed, spoil
):
    async with chain(tmp_path) as one, chain(tmp_path) as two:
        await bring(one)
        deployed.clear()
        spoil(checkout)

        await bring(two)

    assert deployed == [two.url]
