"""Operators that play provable jobs by hand on a real chain, and the digits job that they run."""

from pathlib import Path

import yaml

from tests.worker.client.conftest import CHAIN_ID, LATER, PAYER, TOKEN, Cast
from worker.chain.keys import dev_signer
from worker.client import JobFile
from worker.client.view import JobView
from worker.client.wallet import NO_PERMIT
from worker.protocol import eip712
from worker.protocol.merkle import named_proof
from worker.protocol.provable_words import is_audited
from worker.protocol.seals import seal_digest
from worker.types import OperatorId

DIGITS = Path("examples/digits")
JOB = {
    "name": "digits",
    "kind": "tensor",
    "program": "mlp.ptp",
    "tasks": {"files": "images/*.npy"},
    "batch": 2,
    "price": "0.01",
    "audit": "50%",
    "windows": {"claim": "30s", "run": "60s", "reveal": "30s", "challenge": "60s"},
    "operators": [1, 2],
}


def digits_file(folder: Path, **changes) -> JobFile:
    """Write the digits job, which two named operators may run, and its files to `folder`."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name in ("mlp.ptp", *(f"images/{task}.npy" for task in range(4))):
        (folder / name).write_bytes((DIGITS / name).read_bytes())
    fields = {k: v for k, v in {**JOB, **changes}.items() if v is not None}
    (folder / "job.yaml").write_text(yaml.safe_dump(fields))
    return JobFile.load(folder / "job.yaml")


class ProvableCast(Cast):
    """Two staked operators that opted in to ProvableJobs; each has an owner of its own."""

    async def join(self) -> None:
        """Stake for both, name their keys and opt in."""
        staking = self.contracts.address("Staking")
        service = self.contracts.address("ProvableJobs")
        for number in (1, 2):
            key = dev_signer(number, CHAIN_ID)
            domain = eip712.Domain("Proofmesh Staking", "1", CHAIN_ID, staking)
            await self.send(PAYER, "Token", "transfer", key.address, 200 * TOKEN)
            await self.send(number, "Token", "approve", staking, 200 * TOKEN)
            await self.send(number, "Staking", "stake", 0, 200 * TOKEN, NO_PERMIT)
            consent = eip712.set_worker(domain, OperatorId(number), key.address, LATER)
            signature = key.sign_typed_data(consent)
            arguments = (number, key.address, 200 * 10**9, LATER, signature)
            await self.send(number, "Staking", "set_worker", *arguments)
            await self.send(number, "Staking", "opt_in", number, service, 200 * 10**9)

    async def take(self, view: JobView, batch: int, values: list[bytes]) -> None:
        """Operator 1 claims a batch and seals these values."""
        digest = seal_digest(view.key, batch, 0, 1, values, bytes(32))
        proof = (0, named_proof([1, 2], 0))
        arguments = (view.terms.members(), batch, proof, digest)
        await self.send(1, "ProvableJobs", "claim_sealed", *arguments)

    async def draw(self, view: JobView, batch: int, audited: bool) -> None:
        """Mine the block that decides about an audit, until it decides so."""
        ask = self.network.anvil.ask
        sealed = int((await ask("eth_getBlockByNumber", "latest", False))["timestamp"], 16)
        for later in range(1, 30):  # each with half a chance, or so
            snapshot = await ask("evm_snapshot")
            await ask("evm_setNextBlockTimestamp", sealed + later)
            await ask("evm_mine")
            block = await ask("eth_getBlockByNumber", "latest", False)
            found = bytes.fromhex(block["hash"][2:])
            if is_audited(found, view.key, batch, view.terms.audit_bps) == audited:
                return
            await ask("evm_revert", snapshot)
        raise AssertionError("no block draws so")

    async def show(self, view: JobView, batch: int, values: list[bytes]) -> None:
        """Operator 1 shows what it sealed, spared an audit."""
        await self.take(view, batch, values)
        await self.draw(view, batch, audited=False)
        arguments = (view.terms.members(), batch, 1, values, bytes(32))
        await self.send(1, "ProvableJobs", "reveal", *arguments)

    async def settle(self, view: JobView, batch: int, values: list[bytes]) -> None:
        """Let the challenge pass, and settle."""
        await self.network.anvil.ask("evm_increaseTime", view.terms.challenge)
        await self.send(1, "ProvableJobs", "settle", view.terms.members(), batch, values)
