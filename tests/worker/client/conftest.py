"""A requester with a job on a real chain, and operators that the tests play by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from eth_utils.crypto import keccak

from tests.conftest import LocalNetwork
from worker.chain.config import ChainConfig, KeyConfig
from worker.chain.deployment import Deployment
from worker.chain.keys import dev_signer
from worker.client import AsyncClient, ClientConfig, JobFile, operator
from worker.client.wallet import Wallet, open_wallet
from worker.protocol.merkle import named_proof
from worker.protocol.record import blind
from worker.protocol.seals import seal_digest
from worker.types import Wei

CHAIN_ID = 31337
PAYER, FIRST_OPERATOR = 0, 1
TOKEN = 10**18

JOB = {
    "name": "try",
    "program": "p.wasm",
    "args": ["{value}"],
    "tasks": {"range": {"to": 3}},
    "batch": 2,
    "price": "0.5",
    "bond": "2",
    "windows": {"claim": "30s", "run": "60s", "reveal": "30s"},
    "operators": [1, 2, 3, 4, 5],
}


def digests_of(*names: str) -> list[bytes]:
    """Stand for records that operators might have come to."""
    return [keccak(text=name) for name in names]


@dataclass
class Cast:
    """Five staked operators whose keys the tests hold."""

    wallets: list[Wallet]

    async def conclude(self, view, batch: int, digests: list[bytes]) -> None:
        """Three operators take the batch, agree, and settle it."""
        values = [blind(digest) for digest in digests]
        salts = [keccak(text=f"salt {seat}") for seat in range(3)]
        for seat in range(3):
            await self.seal(view, batch, seat, values, salts[seat])
        arguments = (view.terms.members(), batch, values, salts)
        await self.wallets[0].send("ReplicatedJobs", "conclude", *arguments)

    async def show_alone(self, view, batch: int, digests: list[bytes]) -> None:
        """Operator 1 takes the only seat of a batch and shows its result."""
        values = [blind(digest) for digest in digests]
        await self.seal(view, batch, 0, values, bytes(32))
        arguments = (view.terms.members(), batch, 1, values, bytes(32))
        await self.wallets[0].send("ReplicatedJobs", "reveal", *arguments)

    async def seal(self, view, batch: int, seat: int, values: list[bytes], salt: bytes) -> None:
        """Operator `seat` + 1 claims a seat and seals these values."""
        ids = [1, 2, 3, 4, 5]
        proof = (seat, named_proof(ids, seat))
        digest = seal_digest(view.key, batch, 0, seat + 1, values, salt)
        arguments = (view.terms.members(), batch, proof, digest)
        await self.wallets[seat].send("ReplicatedJobs", "claim_sealed", *arguments)


@pytest.fixture
def chain(network: LocalNetwork) -> ChainConfig:
    return ChainConfig.model_validate(
        {"rpc_urls": [network.url], "confirmations": 0, "poll_seconds": 0.02}
    )


@pytest.fixture
def client_config(network: LocalNetwork, chain: ChainConfig, tmp_path: Path) -> ClientConfig:
    return ClientConfig(
        deployment=network.deployment,
        chain=chain,
        data=tmp_path / "data",
        wallet=KeyConfig(dev_account=PAYER),
    )


@pytest.fixture
def sync_config(session_network: LocalNetwork, tmp_path: Path) -> Iterator[ClientConfig]:
    """The same for tests that have no event loop."""
    snapshot = asyncio.run(session_network.anvil.ask("evm_snapshot"))
    urls = {"rpc_urls": [session_network.url], "confirmations": 0, "poll_seconds": 0.02}
    yield ClientConfig(
        deployment=session_network.deployment,
        chain=ChainConfig.model_validate(urls),
        data=tmp_path / "data",
        wallet=KeyConfig(dev_account=PAYER),
    )
    asyncio.run(session_network.anvil.ask("evm_revert", snapshot))


@pytest.fixture
async def client(client_config: ClientConfig) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(client_config) as opened:
        yield opened


@pytest.fixture
def job(tmp_path: Path) -> JobFile:
    return job_file(tmp_path / "job")


def job_file(folder: Path, **changes) -> JobFile:
    """Write a small job that five named operators may run."""
    folder.mkdir(exist_ok=True)
    (folder / "p.wasm").write_bytes(b"\0asm\1\0\0\0")
    fields = {k: v for k, v in {**JOB, **changes}.items() if v is not None}
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(fields))
    return JobFile.load(path)


@pytest.fixture
async def cast(network: LocalNetwork, chain: ChainConfig, tmp_path: Path) -> AsyncIterator[Cast]:
    deployment = Deployment.load(network.deployment)
    async with AsyncExitStack() as stack:

        async def wallet(account: int, folder: str) -> Wallet:
            signer = dev_signer(account, CHAIN_ID)
            opened = open_wallet(deployment, chain, signer, tmp_path / folder)
            return await stack.enter_async_context(opened)

        bank = await wallet(PAYER, "bank")
        keys = []
        for index in range(5):
            key = dev_signer(FIRST_OPERATOR + index, CHAIN_ID)
            assert await operator.join(bank, Wei(200 * TOKEN), key) == index + 1
            keys.append(await wallet(FIRST_OPERATOR + index, "keys"))
        yield Cast(keys)
