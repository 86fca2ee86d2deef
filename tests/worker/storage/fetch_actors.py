"""A server that does what a test says, and what is fetched from it."""

import hashlib
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from worker.errors import FetchError
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.storage.http import Speed
from worker.types import Digest

DATA = b"the blob" * 1_000
DIGEST = Digest(hashlib.sha256(DATA).digest())
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
CAP = 1 << 20
FAST = Speed(connect=1.0, grace=0.3, min_rate=100_000)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A real HTTP server on loopback; `asked` counts the requests of each path."""

    def __init__(self) -> None:
        self.app = web.Application()
        self.asked: dict[str, int] = {}
        self.runner = web.AppRunner(self.app, shutdown_timeout=0.1)

    def on(self, path: str, handler: Handler, method: str = "GET") -> None:
        async def counted(request: web.Request) -> web.StreamResponse:
            self.asked[request.path] = self.asked.get(request.path, 0) + 1
            return await handler(request)

        self.app.router.add_route(method, path, counted)

    def answer(self, path: str, **what: object) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(**what)

        self.on(path, handler)

    def redirect(self, path: str, target: str) -> None:
        self.answer(path, status=302, headers={"Location": target})

    async def start(self) -> None:
        await self.runner.setup()
        self.site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await self.site.start()
        self.port = self.runner.addresses[0][1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


async def refused(fetcher: Fetcher, store: BlobStore, *locators: str, cap: int = CAP) -> str:
    """Fetch, expect a FetchError, and that nothing of it stayed; return its words."""
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(DIGEST, locators, cap)
    assert store.used == 0
    assert list(store.folder.iterdir()) == []
    return str(caught.value)
