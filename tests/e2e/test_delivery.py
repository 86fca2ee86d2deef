"""A payer that is served nothing demands the outputs on chain, and a real worker delivers them."""

import pytest
from eth_abi.abi import decode

from tests.e2e.network import all_settled, events, job_spec, post, settlements, until
from worker.cli.devnet.network import Network, Operator
from worker.protocol.deliveries import Debt, Delivery
from worker.protocol.demands import bond_for
from worker.protocol.merkle import CHUNK_BYTES, chunk_count, depth
from worker.protocol.record import ExitClass, Record
from worker.protocol.settled import Result
from worker.protocol.words import Origin

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELDS = ["uint8", "uint32", "uint64", "bytes32", "uint64", "bytes32"]


async def test_delivery__record_then_chunk__by_the_worker_that_was_paid(network: Network) -> None:
    await _start(network)
    tasks, windows = (
        {"range": {"from": 0, "to": 2}},
        {"claim": "18s", "run": "30s", "reveal": "30s"},
    )
    spec = job_spec(tasks=tasks, windows=windows)
    posted = await post(network, spec)
    await all_settled(network, posted)
    (settled,) = await settlements(network, posted)
    payer = _Payer(network, posted, Result.of_event(settled))

    told = await payer.demand(1, 0, b"", 192)
    record = Record(ExitClass.OK, *decode(FIELDS, told)[1:])
    count = chunk_count(record.output_bytes)
    last = record.output_bytes - (count - 1) * CHUNK_BYTES
    chunk = await payer.demand(0, count - 1, told, last + 32 * depth(count))

    assert record.encode() == told
    assert len(chunk) == last


async def _start(network: Network) -> None:
    for operator in network.operators:
        await network.start(operator)
    for operator in network.operators:

        async def is_ready(operator: Operator = operator) -> bool:
            status = await network.status(operator)
            return status is not None and status["ready"]

        await until(is_ready, f"{operator.name} ready", network)


class _Payer:
    def __init__(self, network: Network, posted, result: Result) -> None:
        self._network, self._posted, self._result = network, posted, result

    async def demand(self, number: int, position: int, evidence: bytes, size: int) -> bytes:
        """Demand a piece of task 0 of the first that was paid; return it from the chain's log."""
        wallet, job = self._network.requester, self._posted
        jobs = wallet.contracts.address("ReplicatedJobs")
        (told,) = await events(self._network, "JobPosted", job=job.key)
        origin = Origin(told["nonce"], told["program"], told["inputs"], told["manifest"])
        debt = Debt(jobs, 0, self._result.servers[0], 0, number, position)
        amount = bond_for(size, await wallet.call("Courts", "gas_price"))
        entry = await wallet.send(
            "Demands",
            "demand_output",
            debt,
            job.terms.members(),
            (origin.nonce, origin.program, origin.inputs, origin.manifest),
            await wallet.call("Escrow", "fee_bps"),
            await wallet.permit("Escrow", amount),
            evidence,
            self._result.members(),
        )
        logs = await wallet.events_of(entry)
        demanded = next(log.args for log in logs if log.name == "OutputDemanded")
        delivery = Delivery.of(demanded["delivery"])
        assert delivery.id == demanded["id"]

        async def is_answered() -> bool:
            return bool(await self._answers(delivery))

        await until(is_answered, "the output delivered", self._network)
        (data,) = await self._answers(delivery)
        return data

    async def _answers(self, delivery: Delivery) -> list[bytes]:
        found = await events(self._network, "OutputAnswered")
        return [one["data"] for one in found if one["id"] == delivery.id]
