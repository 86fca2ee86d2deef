"""A real server on loopback, over a real store; each test says what it may serve."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry, Counter

from tests.worker.api.upload_actors import DOMAIN, NOW, REQUESTER
from worker.api.blobs import BlobRoutes
from worker.api.config import ApiConfig
from worker.api.openings import OpeningRoutes
from worker.api.places import Places
from worker.api.quota import UploadQuota
from worker.api.routes import AdminRoutes
from worker.api.server import ApiServer
from worker.api.uploads import UploadRoutes, UploadTerms
from worker.protocol.openings import NoOpening, Opening
from worker.protocol.uploads import Upload
from worker.storage.blobs import BlobStore
from worker.storage.database import Database
from worker.storage.http import Speed
from worker.storage.uploads import UploadStore
from worker.types import BatchIndex, Digest, JobKey, OperatorId

FAST = Speed(connect=1.0, grace=0.3, min_rate=100_000)
DEMANDING = Speed(connect=1.0, grace=0.3, min_rate=20_000_000)


@dataclass
class Node:
    """The served worker's state, to be changed by the tests."""

    store: BlobStore
    public: set[Digest] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    openings: dict[tuple[JobKey, BatchIndex], Opening | NoOpening] = field(default_factory=dict)
    allowance: int = 100_000
    broken: bool = False
    drains: int = 0

    async def is_public(self, digest: Digest) -> bool:
        return digest in self.public

    async def allow(self, upload: Upload) -> int:
        return self.allowance if upload.signer == REQUESTER.address else 0

    async def opening(self, job: JobKey, batch: BatchIndex) -> Opening | NoOpening:
        return self.openings.get((job, batch), NoOpening.UNKNOWN)

    def drain(self) -> None:
        self.drains += 1

    async def status(self) -> dict[str, object]:
        if self.broken:
            raise RuntimeError("secret inside")
        return {"operator": 7}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(BlobStore(tmp_path / "blobs", quota=1 << 24, free_floor=0, clock=lambda: NOW))


@pytest.fixture
async def server(node: Node, tmp_path: Path) -> AsyncIterator[ApiServer]:
    registry = CollectorRegistry()
    Counter("jobs_done", "Jobs done", registry=registry).inc()
    places = Places(total=3, per_peer=2)
    terms = UploadTerms(OperatorId(7), DOMAIN, max_bytes=50_000, max_seconds=3_600)
    database = Database(tmp_path / "worker.sqlite")
    quota = UploadQuota(UploadStore(database), 200_000)
    uploads = UploadRoutes(node.store, terms, node.allow, quota, places, FAST, clock=lambda: NOW)
    server = ApiServer(
        ApiConfig(public_port=0, admin_port=0),
        admin=[AdminRoutes(lambda: node.reasons, node.status, node.drain, registry)],
        public=[
            BlobRoutes(node.store, node.is_public, places, DEMANDING),
            uploads,
            OpeningRoutes(node),
        ],
    )
    async with server:
        yield server
    database.close()


@pytest.fixture
async def web(server: ApiServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://127.0.0.1:{server.public_port}") as session:
        yield session


@pytest.fixture
async def admin(server: ApiServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://127.0.0.1:{server.admin_port}") as session:
        yield session
