"""Fetching from places that lie, drip, cut off, redirect and compress: only the digest counts."""

import asyncio
import gzip
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from worker.errors import FetchError, InvalidBlobError, StoreFullError
from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp, Speed
from worker.types import Digest, Timestamp

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

    async def start(self) -> None:
        await self.runner.setup()
        self.site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await self.site.start()
        self.port = self.runner.addresses[0][1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


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


async def refused(fetcher: Fetcher, store: BlobStore, *locators: str, cap: int = CAP) -> str:
    """Fetch, expect a FetchError, and that nothing of it stayed; return its words."""
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(DIGEST, locators, cap)
    assert store.used == 0
    assert list(store.folder.iterdir()) == []
    return str(caught.value)


async def test_fetch__template_url__stores_and_returns_the_file(server, fetcher, store):
    server.answer(f"/b/{DIGEST.hex()}", body=DATA)
    await server.start()

    path = await fetcher.fetch(DIGEST, (server.url("/b/{digest}"),), CAP, Timestamp(9_999_999_999))

    assert path.read_bytes() == DATA
    assert store.info(DIGEST).keep_until == 9_999_999_999


async def test_fetch__already_stored__asks_nobody(fetcher, store):
    store.put(DATA)

    assert (await fetcher.fetch(DIGEST, (), CAP)).read_bytes() == DATA


async def test_fetch__stored_but_damaged__is_fetched_anew(server, fetcher, store):
    server.answer("/one", body=DATA)
    await server.start()
    store.path(store.put(DATA)).write_bytes(b"rotten")

    assert (await fetcher.fetch(DIGEST, (server.url("/one"),), CAP)).read_bytes() == DATA


async def test_fetch__stored_above_the_cap__is_final(fetcher, store):
    store.put(DATA)

    with pytest.raises(InvalidBlobError, match="larger than 10"):
        await fetcher.fetch(DIGEST, (), 10)


async def test_fetch__bad_places_first__goes_on_to_the_good_one(server, fetcher):
    server.answer("/wrong", body=b"other")
    server.answer("/good", body=DATA)
    await server.start()
    places = tuple(server.url(path) for path in ("/missing", "/wrong", "/good"))

    assert (await fetcher.fetch(DIGEST, places, CAP)).read_bytes() == DATA


async def test_fetch__nobody_has_it__names_each_place_and_reason(server, fetcher, store):
    server.answer("/wrong", body=b"other")
    await server.start()

    told = await refused(fetcher, store, server.url("/missing?token=x"), server.url("/wrong"))

    assert f"{server.url('/missing')}: status 404" in told
    assert f"{server.url('/wrong')}: got bytes with sha256" in told
    assert "token" not in told
    assert server.asked["/wrong"] == 1


async def test_fetch__no_locator__says_so(fetcher, store):
    assert "no usable locator" in await refused(fetcher, store, "gopher://x")


async def test_fetch__many_at_once__downloads_once(server, fetcher):
    server.answer("/one", body=DATA)
    await server.start()

    places = (server.url("/one"),)
    await asyncio.gather(*(fetcher.fetch(DIGEST, places, CAP) for _ in range(5)))

    assert server.asked["/one"] == 1


async def test_fetch__busy_place__is_asked_once_more(server, fetcher, store):
    answers = iter([503, 200])

    async def flaky(_: web.Request) -> web.Response:
        return web.Response(status=next(answers), body=DATA)

    server.on("/flaky", flaky)
    server.answer("/busy", status=503)
    await server.start()

    assert (await fetcher.fetch(DIGEST, (server.url("/flaky"),), CAP)).read_bytes() == DATA
    store.delete(DIGEST)
    assert "status 503" in await refused(fetcher, store, server.url("/busy"))
    assert server.asked == {"/flaky": 2, "/busy": 2}


async def test_fetch__truncated__is_refused(server, fetcher, store):
    async def truncated(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(DATA))})
        await response.prepare(request)
        await response.write(DATA[:100])
        assert request.transport is not None
        request.transport.abort()
        return response

    server.on("/cut", truncated)
    await server.start()

    assert "/cut: " in await refused(fetcher, store, server.url("/cut"))
    assert server.asked["/cut"] == 2


@pytest.mark.parametrize("told_length", [True, False])
async def test_fetch__oversize__stops_at_the_cap(server, fetcher, store, told_length):
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        if told_length:
            response.content_length = 1 << 40
        await response.prepare(request)
        while True:
            await response.write(bytes(65_536))
            sent += 65_536

    server.on("/endless", endless)
    await server.start()

    told = await refused(fetcher, store, server.url("/endless"), cap=100_000)

    assert "larger than 100000 bytes" in told
    assert sent < 50 << 20


@pytest.mark.parametrize("first", [b"", b"x" * 10])
async def test_fetch__slow_loris__is_dropped_in_time(server, fetcher, store, first):
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if first:
            await response.prepare(request)
        while True:
            if first:
                await response.write(first)
            await asyncio.sleep(0.02)

    server.on("/drip", drip)
    await server.start()
    began = asyncio.get_running_loop().time()

    assert "too slow" in await refused(fetcher, store, server.url("/drip"))
    assert asyncio.get_running_loop().time() - began < 2


async def test_fetch__gzip_answer__is_refused_unread(server, fetcher, store):
    bomb = gzip.compress(bytes(50 << 20))
    server.answer("/bomb", body=bomb, headers={"Content-Encoding": "gzip"})
    await server.start()

    assert "compressed" in await refused(fetcher, store, server.url("/bomb"))


async def redirecting(server: Server, path: str, target: str) -> str:
    server.answer(path, status=302, headers={"Location": target})
    return path


async def test_fetch__redirect_to_a_good_place__is_followed(server, fetcher):
    await redirecting(server, "/there", "/one")
    server.answer("/one", body=DATA)
    await server.start()

    assert (await fetcher.fetch(DIGEST, (server.url("/there"),), CAP)).read_bytes() == DATA


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not public"),
        ("http://[fd00:ec2::254]/x", "fd00:ec2::254 is not public"),
        ("http://100.100.100.200/", "not public"),
        ("http://2852039166/", "not understandable HTTP"),
        ("file:///etc/passwd", "something else than plain http"),
        ("http://user:pw@127.0.0.1/", "something else than plain http"),
        ("/loop", "more than 3 redirects"),
    ],
)
async def test_fetch__redirect_to_a_bad_place__is_refused(server, fetcher, store, target, reason):
    await redirecting(server, "/loop", target)
    await server.start()

    assert reason in await refused(fetcher, store, server.url("/loop"))


async def test_fetch__loopback_on_a_public_chain__is_refused(server, store):
    server.answer("/one", body=DATA)
    await server.start()
    async with GuardedHttp(allow_private=False, speed=FAST) as http:
        fetcher = Fetcher(store, http, FetchConfig(retry_after=0.01))
        told = await refused(
            fetcher, store, server.url("/one"), f"http://[::ffff:127.0.0.1]:{server.port}/one"
        )

    assert told.count("is not public") == 2
    assert server.asked == {}


class Rebinding(AbstractResolver):
    """Answers another address the second time, as a rebinding DNS server does."""

    def __init__(self) -> None:
        self.answers = ["192.0.2.1", "127.0.0.1"]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = self.answers.pop(0)
        return [
            ResolveResult(
                hostname=host, host=answer, port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def test_fetch__name_that_rebinds_to_loopback__is_refused(server, store):
    server.answer("/one", body=DATA)
    await server.start()
    resolver = Rebinding()
    async with GuardedHttp(allow_private=False, speed=FAST, resolver=resolver) as http:
        fetcher = Fetcher(store, http, FetchConfig(retry_after=0.01))
        place = f"http://rebind.example:{server.port}/one"
        await refused(fetcher, store, place)
        told = await refused(fetcher, store, place)

    assert "127.0.0.1 is not public" in told
    assert server.asked == {}


async def test_fetch__ipfs_through_a_gateway__asks_its_path(server, store, http):
    server.answer(f"/ipfs/{CID}/{DIGEST.hex()}", body=DATA)
    await server.start()
    fetcher = Fetcher(store, http, FetchConfig(ipfs_gateway=server.url("/")))

    path = await fetcher.fetch(DIGEST, (f"ipfs://{CID}/{{digest}}",), CAP)

    assert path.read_bytes() == DATA


async def test_fetch__ipfs_through_kubo__calls_cat_with_a_length(server, store):
    asked: list[dict[str, str]] = []

    async def cat(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.Response(body=DATA)

    server.on("/api/v0/cat", cat, method="POST")
    await server.start()
    async with GuardedHttp(allow_private=False, speed=FAST) as http:  # the operator's own is fine
        fetcher = Fetcher(store, http, FetchConfig(kubo_rpc=server.url("")))
        path = await fetcher.fetch(DIGEST, (f"ipfs://{CID}",), CAP)

    assert path.read_bytes() == DATA
    assert asked == [{"arg": CID, "length": str(CAP + 1)}]


async def test_fetch__gateway_redirects_inside__is_refused(server, store):
    await redirecting(server, f"/ipfs/{CID}", "/one")
    server.answer("/one", body=DATA)
    await server.start()
    async with GuardedHttp(allow_private=False, speed=FAST) as http:
        fetcher = Fetcher(store, http, FetchConfig(ipfs_gateway=server.url("")))
        assert "is not public" in await refused(fetcher, store, f"ipfs://{CID}")

    assert "/one" not in server.asked


async def test_fetch__ipfs_without_a_gateway__says_so(fetcher, store):
    assert "no IPFS gateway" in await refused(fetcher, store, f"ipfs://{CID}")


async def test_fetch__file__is_copied_on_a_local_chain(fetcher, tmp_path):
    (tmp_path / "a b").write_bytes(DATA)

    path = await fetcher.fetch(DIGEST, (f"file://{tmp_path}/a%20b",), CAP)

    assert path.read_bytes() == DATA
    assert path.parent == tmp_path / "blobs"


@pytest.mark.parametrize("name", ["secret", "shared/link", "shared/../secret"])
async def test_fetch__file_outside_the_roots__is_refused(store, tmp_path, name):
    (tmp_path / "shared").mkdir()
    (tmp_path / "secret").write_bytes(DATA)
    (tmp_path / "shared" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "shared" / "fine").write_bytes(DATA)
    async with GuardedHttp(allow_private=False) as http:
        fetcher = Fetcher(store, http, FetchConfig(file_roots=(tmp_path / "shared",)))
        told = await refused(fetcher, store, f"file://{tmp_path}/{name}")
        fine = await fetcher.fetch(DIGEST, (f"file://{tmp_path}/shared/fine",), CAP)

    assert "outside the folders" in told
    assert fine.read_bytes() == DATA


async def test_fetch__file_that_is_a_pipe_or_gone__is_refused(fetcher, store, tmp_path):
    os.mkfifo(tmp_path / "pipe")

    told = await refused(fetcher, store, f"file://{tmp_path}/pipe", f"file://{tmp_path}/gone")

    assert "not a plain file" in told
    assert "No such file" in told


async def test_fetch__store_full__is_not_blamed_on_the_place(server, http, tmp_path):
    server.answer("/one", body=DATA)
    await server.start()
    small = BlobStore(tmp_path / "small", quota=100, free_floor=0)
    fetcher = Fetcher(small, http, FetchConfig())

    with pytest.raises(StoreFullError):
        await fetcher.fetch(DIGEST, (server.url("/one"),), CAP)


async def test_get__small_body__is_returned_whole(server, http):
    server.answer("/json", body=b"{}")
    await server.start()

    assert await http.get(server.url("/json"), 10) == b"{}"
    with pytest.raises(FetchError, match="larger than 1 bytes"):
        await http.get(server.url("/json"), 1)
