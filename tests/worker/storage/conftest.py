"""A server, a store, and a fetcher between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.worker.storage.fetch_actors import CAP, FAST, Server
from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    yield server
    await server.runner.cleanup()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", quota=10 * CAP, free_floor=0)


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    async with GuardedHttp(allow_private=True, speed=FAST) as http:
        yield http


@pytest.fixture
def fetcher(store: BlobStore, http: GuardedHttp) -> Fetcher:
    return Fetcher(store, http, FetchConfig(retry_after=0.01))
