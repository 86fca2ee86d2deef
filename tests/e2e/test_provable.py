"""Provable jobs on real processes: audited or spared, paid in the end, their results served."""

import asyncio
import hashlib
from typing import Any

import numpy as np
import pytest

from tests.e2e.network import ROOT, events, requester, until
from worker.cli.devnet.network import Network, Operator
from worker.client import AsyncClient, JobFile
from worker.protocol.tensor_job import TensorResult
from worker.protocol.words import SeatOutcome
from worker.storage.http import GuardedHttp
from worker.tensor.commit import Commitment
from worker.tensor.program import Array, Program
from worker.tensor.tensors import from_bytes
from worker.tensor.trace import Trace
from worker.types import JobKey, TaskIndex
from worker.work.peers import PeerClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIGITS = ROOT / "examples" / "digits"
PROGRAM = Program.decode((DIGITS / "mlp.ptp").read_bytes())
WINDOWS = "{claim: 6s, run: 12s, reveal: 12s, challenge: 4s}"


async def _start(network: Network, *operators: Operator, role: str = "") -> None:
    for operator in operators:
        await network.start(operator, *role.split())
    for operator in operators:

        async def is_ready(operator: Operator = operator) -> bool:
            status = await network.status(operator)
            return status is not None and status["ready"]

        await until(is_ready, f"{operator.name} ready", network)


async def _post(client: AsyncClient, audit: str, tasks: str = "images/[01].npy") -> JobKey:
    """Post two tasks of sixteen images each as one batch; return the job's key."""
    source = f"""
name: digits
kind: tensor
program: mlp.ptp
tasks: {{files: "{tasks}"}}
batch: 2
price: 0.01
bond: 3
audit: {audit}
windows: {WINDOWS}
"""
    record = await client.submit(JobFile.parse(source.encode(), DIGITS))
    assert record.key is not None
    return JobKey(bytes.fromhex(record.key))


async def _settled(network: Network, job: JobKey) -> Any:
    """Return the event that ends the job's one batch."""

    async def is_settled() -> bool:
        return bool(await events(network, "BatchSettled", "BatchClosed", job=job))

    await until(is_settled, "the batch settled", network)
    (settled,) = await events(network, "BatchSettled", job=job)
    return settled


def _outputs(blob: bytes) -> Array:
    """Return the one output tensor in a result's blob."""
    tensor = from_bytes(PROGRAM.ops[-1].output.type, blob[32 * len(PROGRAM.ops) :])
    assert isinstance(tensor, np.ndarray)
    return tensor


async def _check_served(operator: Operator, job: JobKey, task: int, value: bytes) -> None:
    """What the operator serves for a task must be what the settled value commits to."""
    endpoint = f"http://127.0.0.1:{operator.public_port}"
    async with GuardedHttp(allow_private=True) as http:
        document = await http.get(f"{endpoint}/results/{job.hex()}/{task}", 4096)
        result = TensorResult.decode(document)
        blob = await http.get(f"{endpoint}/blobs/{result.blob}", result.size)
        peers = PeerClient(http)
        leaves = await peers.fetch_trace(endpoint, job, TaskIndex(task), len(PROGRAM.ops))
        for k, op in enumerate(PROGRAM.ops):
            size = op.output.type.nbytes
            data = await peers.fetch_tensor(endpoint, job, TaskIndex(task), k, size)
            tensor = from_bytes(op.output.type, data)
            assert Commitment(tensor).digest == leaves[k]
        inner = await peers.fetch_segment(endpoint, job, TaskIndex(task), 0, len(PROGRAM.ops))
    assert hashlib.sha256(blob).hexdigest() == result.blob
    assert Trace(leaves).root == value
    assert blob[: 32 * len(leaves)] == b"".join(leaves)
    assert inner == [bytes(32)] * len(leaves)  # every tensor has a checkpoint
    labels = (DIGITS / "labels.txt").read_text().splitlines()[task].split()
    found = _outputs(blob).argmax(1).tolist()
    assert sum(a == int(b) for a, b in zip(found, labels, strict=True)) >= 15


async def test_job__audited_and_spared__paid_and_served(network: Network) -> None:
    await _start(network, *network.operators)
    async with requester(network) as client:
        audited, spared = await _post(client, "100%"), await _post(client, "1%")
    both, one = await asyncio.gather(_settled(network, audited), _settled(network, spared))

    seats = [SeatOutcome.unpack(seat) for seat in both["seats"]]
    (claimed,) = {
        tuple(one["operator"] for one in await events(network, "SeatClaimed", job=audited))
    }
    assert len(claimed) == 2
    assert [seat.operator for seat in seats] == list(claimed)
    assert {seat.paid for seat in seats} == {2 * 10**16}
    assert not any(seat.burnt for seat in seats)
    # One in a hundred runs draws the other job, too.
    drawn = await events(network, "BatchAdvanced", job=spared)
    assert len(one["seats"]) == (2 if drawn else 1)

    by_id = {operator.id: operator for operator in network.operators}
    for settled, job in ((both, audited), (one, spared)):
        for seat in map(SeatOutcome.unpack, settled["seats"]):
            for task, value in enumerate(settled["values"]):
                await _check_served(by_id[seat.operator], job, task, value)
    audit = await network.audit()
    assert audit.holds, [check for check in audit.checks if not check.holds]
    for operator in network.operators:
        lanes = ((await network.status(operator)) or {})["lanes"]
        assert lanes["ProvableJobs"]["takes_work"]
