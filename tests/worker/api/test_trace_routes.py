"""What openings commit to: served whole, few computations at a time, nothing before it may be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession

from worker.api.config import ApiConfig
from worker.api.places import Places
from worker.api.server import ApiServer
from worker.api.traces import TraceRoutes
from worker.errors import ExecutionFailedError, NotFoundError
from worker.storage.http import GuardedHttp, Speed
from worker.types import JobKey, TaskIndex
from worker.work.peers import PeerClient

JOB = JobKey(bytes.fromhex("ab" * 32))
LEAVES = [b"1" * 32, b"2" * 32]


@dataclass
class Source:
    """Knows one task; computes only once it is let."""

    error: Exception | None = None
    let: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def trace(self, job: JobKey, task: TaskIndex) -> bytes:
        if (job, task) != (JOB, 3):
            raise NotFoundError("no such task here")
        return b"".join(LEAVES)

    async def segment(self, job: JobKey, task: TaskIndex, segment: int) -> bytes:
        self.asked.append(("segment", segment))
        return await self._computed()

    async def tensor(self, job: JobKey, task: TaskIndex, operator: int) -> bytes:
        self.asked.append(("tensor", operator))
        return await self._computed()

    async def _computed(self) -> bytes:
        self.began.set()
        await self.let.wait()
        if self.error:
            raise self.error
        return b"".join(LEAVES)


@pytest.fixture
def source() -> Source:
    source = Source()
    source.let.set()
    return source


@pytest.fixture
async def endpoint(source: Source) -> AsyncIterator[str]:
    routes = TraceRoutes(source, Places(9, 9), Places(2, 1), Speed())
    config = ApiConfig(public_port=0, admin_port=0)
    async with ApiServer(config, admin=[], public=[routes]) as server:
        yield f"http://127.0.0.1:{server.public_port}"


@pytest.fixture
async def web(endpoint: str) -> AsyncIterator[ClientSession]:
    async with ClientSession(endpoint) as session:
        yield session


async def test_get__every_kind__as_a_peer_reads_it(endpoint, source):
    async with GuardedHttp(allow_private=True) as http:
        peer = PeerClient(http)
        assert await peer.fetch_trace(endpoint, JOB, TaskIndex(3), 2) == LEAVES
        assert await peer.fetch_segment(endpoint, JOB, TaskIndex(3), 5, 2) == LEAVES
        assert await peer.fetch_tensor(endpoint, JOB, TaskIndex(3), 7, 64) == b"".join(LEAVES)
    assert source.asked == [("segment", 5), ("tensor", 7)]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/traces/{JOB.hex()}/4", 404, "not_found"),
        (f"/traces/0x{JOB.hex()}/4", 404, "not_found"),
        (f"/traces/{JOB.hex()}/x", 404, "not_found"),
        (f"/tensors/{JOB.hex()}/3/99999", 404, "not_found"),
    ],
)
async def test_get__nothing_to_be_seen__404(web, path, status, code):
    async with web.get(path) as response:
        assert (response.status, (await response.json())["error"]) == (status, code)


async def test_get__cannot_be_computed_now__503(web, source):
    source.error = ExecutionFailedError("device", "secret of this machine")
    async with web.get(f"/tensors/{JOB.hex()}/3/0") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "5"
        assert "secret" not in await response.text()


async def test_get__a_second_computation_of_one_peer__429(web, source):
    source.let.clear()
    first = asyncio.create_task(web.get(f"/tensors/{JOB.hex()}/3/0"))
    await asyncio.wait_for(source.began.wait(), 5)
    async with web.get(f"/traces/{JOB.hex()}/3/segments/0") as response:
        assert response.status == 429
    async with web.get(f"/traces/{JOB.hex()}/3") as response:
        assert await response.read() == b"".join(LEAVES)
    source.let.set()
    assert (await first).status == 200


async def test_head__length_without_a_body(web):
    async with web.head(f"/traces/{JOB.hex()}/3") as response:
        assert (response.status, response.content_length) == (200, 64)
