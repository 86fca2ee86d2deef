"""A requester with a job on a real chain, and operators that the tests play by hand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from eth_utils.crypto import keccak

from tests.conftest import LocalNetwork
from worker.chain.config import ChainConfig, KeyConfig
from worker.chain.contracts import Contracts
from worker.chain.keys import dev_signer
from worker.client import AsyncClient, ClientConfig, JobFile
from worker.client.wallet import NO_PERMIT
from worker.protocol import eip712
from worker.protocol.merkle import named_proof
from worker.protocol.record import blind
from worker.protocol.seals import seal_digest
from worker.types import OperatorId, Timestamp

CHAIN_ID = 31337
PAYER = 0
LATER = Timestamp(4_000_000_000)
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
    """Five staked operators, whose keys the chain itself holds: no wallet, no waiting."""

    network: LocalNetwork
    contracts: Contracts

    async def send(self, account: int, contract: str, function: str, *args) -> None:
        """Send a transaction of one of the chain's accounts; it is mined at once."""
        call = {
            "from": dev_signer(account, CHAIN_ID).address,
            "to": self.contracts.address(contract),
            "data": "0x" + self.contracts.encode(contract, function, *args).hex(),
            "gas": hex(3_000_000),
        }
        done = await self.network.anvil.ask("eth_sendTransaction", call)
        receipt = None
        async with asyncio.timeout(10):
            while receipt is None:  # it is mined a moment after the answer
                receipt = await self.network.anvil.ask("eth_getTransactionReceipt", done)
        assert receipt["status"] == "0x1", f"{function} reverted"

    async def join(self) -> None:
        """Stake for five operators, name their keys and opt in."""
        staking = self.contracts.address("Staking")
        service = self.contracts.address("ReplicatedJobs")
        owner = dev_signer(PAYER, CHAIN_ID).address
        domain = eip712.Domain("Proofmesh Staking", "1", CHAIN_ID, staking)
        await self.send(PAYER, "Token", "approve", staking, 1_000 * TOKEN)
        for number in range(1, 6):
            key = dev_signer(number, CHAIN_ID)
            consent = eip712.set_worker(domain, OperatorId(number), owner, LATER)
            signature = key.sign_typed_data(consent)
            await self.send(PAYER, "Staking", "stake", 0, 200 * TOKEN, NO_PERMIT)
            arguments = (number, key.address, 200 * 10**9, LATER, signature)
            await self.send(PAYER, "Staking", "set_worker", *arguments)
            await self.send(PAYER, "Staking", "opt_in", number, service, 200 * 10**9)

    async def conclude(self, view, batch: int, digests: list[bytes]) -> None:
        """Three operators take the batch, agree, and settle it."""
        values = [blind(digest) for digest in digests]
        salts = [keccak(text=f"salt {seat}") for seat in range(3)]
        for seat in range(3):
            await self.seal(view, batch, seat, values, salts[seat])
        arguments = (view.terms.members(), batch, values, salts)
        await self.send(1, "ReplicatedJobs", "conclude", *arguments)

    async def open_two_of_three(self, view, batch: int, digests: list[bytes]) -> None:
        """Three operators seal the same, two of them open it."""
        values, salt = [blind(digest) for digest in digests], bytes(32)
        for seat in range(3):
            await self.seal(view, batch, seat, values, salt)
        for seat in range(2):
            arguments = (view.terms.members(), batch, seat + 1, values, salt)
            await self.send(1, "ReplicatedJobs", "reveal", *arguments)

    async def show_alone(self, view, batch: int, digests: list[bytes]) -> None:
        """Operator 1 takes the only seat of a batch and shows its result."""
        values = [blind(digest) for digest in digests]
        await self.seal(view, batch, 0, values, bytes(32))
        arguments = (view.terms.members(), batch, 1, values, bytes(32))
        await self.send(1, "ReplicatedJobs", "reveal", *arguments)

    async def grow(
        self, view, batch: int, digests: list[bytes], lie: list[bytes], by_hand: bool = True
    ) -> None:
        """The third of three operators lies about the last task; two more side with the others.
        Unless the end is left to somebody else, it is settled."""
        terms, salt = view.terms.members(), bytes(32)
        honest, lied = ([blind(digest) for digest in found] for found in (digests, lie))
        base = [honest, honest, lied]
        for seat, values in enumerate(base):
            await self.seal(view, batch, seat, values, salt)
        for seat, values in enumerate(base):
            await self.send(1, "ReplicatedJobs", "reveal", terms, batch, seat + 1, values, salt)
        answers = ([honest, lied], 1 << 6)
        await self.send(1, "ReplicatedJobs", "settle", terms, batch, *answers)
        shown = digests[-1:]
        for seat in (3, 4):
            await self.seal(view, batch, seat, shown, salt, number=1)
        for seat in (3, 4):
            await self.send(1, "ReplicatedJobs", "reveal", terms, batch, seat + 1, shown, salt)
        if not by_hand:
            return
        answers = ([honest, lied, honest[-1:]], 1 << 6 | 2 << 9 | 2 << 12)
        await self.send(1, "ReplicatedJobs", "settle", terms, batch, *answers)

    async def seal(
        self, view, batch: int, seat: int, values: list[bytes], salt: bytes, number: int = 0
    ) -> None:
        """Operator `seat` + 1 claims a seat of round `number` and seals these values."""
        proof = (seat, named_proof([1, 2, 3, 4, 5], seat))
        digest = seal_digest(view.key, batch, number, seat + 1, values, salt)
        arguments = (view.terms.members(), batch, proof, digest)
        await self.send(seat + 1, "ReplicatedJobs", "claim_sealed", *arguments)


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
async def cast(network: LocalNetwork, client: AsyncClient) -> Cast:
    cast = Cast(network, client._network.contracts)
    await cast.join()
    return cast
