"""Row 20 of the catalogue in the provable lane: operator and auditor killed at every step."""

import pytest

from tests.e2e.network import events
from tests.faults.crash import matrix
from tests.faults.crash.mortal import Mortal, living
from tests.faults.crash.scene import (
    DIGITS,
    TENSOR_JOB,
    check_end,
    nonces,
    once,
    paid,
    settle_in,
    submit,
)
from worker.cli.devnet.network import Network, Operator
from worker.types import JobKey

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

PRICE = 10**16
BATCHES = 2
WINDOWS = "{claim: 60s, run: 180s, reveal: 240s, challenge: 15s}"


async def _post(network: Network, operator: Operator) -> JobKey:
    """Post a job that this operator alone may take; another audits it."""
    fields = {"operators": [operator.id], "tasks": "images/[01].npy", "batch": 1}
    return await submit(network, TENSOR_JOB, DIGITS, windows=WINDOWS, **fields)


async def test_fault_20__operator_and_auditor_killed_at_every_step__both_paid_once(
    network: Network,
) -> None:
    first, second, _ = network.operators
    settle_in(network, first, patience=25, policy={"cheap_seconds": 0})
    settle_in(network, second, patience=25)
    before = await nonces(network)
    mortals = [Mortal(network, *pair) for pair in zip((first, second), matrix.AUDITED, strict=True)]
    async with living(*mortals) as cast:
        jobs = await cast.work(lambda: _post(network, first), lambda job: _is_final(network, job))

    for job in jobs:
        assert await paid(network, job) == {first.id: BATCHES * PRICE, second.id: BATCHES * PRICE}
        for name in ("SeatClaimed", "ResultSealed", "ResultRevealed"):
            assert len(await once(network, job, name)) == 2 * BATCHES
    await check_end(network, before, first, second)


async def _is_final(network: Network, job: JobKey) -> bool:
    return len(await events(network, "BatchSettled", "BatchClosed", job=job)) == BATCHES
