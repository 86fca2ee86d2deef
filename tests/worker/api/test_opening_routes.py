"""Openings: told once sealed for good, never earlier."""

import pytest

from worker.protocol.openings import NoOpening, Opening
from worker.types import BatchIndex, JobKey, OperatorId

JOB = JobKey(bytes.fromhex("ab" * 32))
OPENING = Opening(OperatorId(7), 1, (b"\x01" * 32, b"\x02" * 32), b"\x03" * 32)


@pytest.mark.parametrize("prefix", ["", "0x"])
async def test_get__sealed_round__gives_the_opening(web, node, prefix):
    node.openings[(JOB, BatchIndex(3))] = OPENING

    async with web.get(f"/openings/{prefix}{JOB.hex()}/3") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert Opening.decode(await response.read()) == OPENING


async def test_get__unsealed_round__is_425(web, node):
    node.openings[(JOB, BatchIndex(3))] = NoOpening.TOO_EARLY

    async with web.get(f"/openings/{JOB.hex()}/3") as response:
        assert response.status == 425
        assert (await response.json())["error"] == "too_early"
        assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize("path", [f"{'ab' * 32}/4", f"{'ab' * 32}/x", "ab/1", f"{'ab' * 32}"])
async def test_get__unknown__is_404(web, path):
    async with web.get(f"/openings/{path}") as response:
        assert response.status == 404
