"""Blobs over HTTP: whole, ranged, capped, and never before they are public."""

import asyncio

import pytest

from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp
from worker.storage.locators import endpoint_locator

DATA = bytes(range(256)) * 4


@pytest.fixture
def digest(node):
    digest = node.store.put(DATA)
    node.public.add(digest)
    return digest


@pytest.fixture
def url(digest):
    return f"/blobs/{digest.hex()}"


async def test_get__whole__has_etag_length_and_long_caching(web, url, digest):
    async with web.get(url) as response:
        assert response.status == 200
        assert await response.read() == DATA
    assert response.headers["ETag"] == f'"{digest.hex()}"'
    assert response.headers["Content-Length"] == "1024"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"] == "application/octet-stream"


async def test_head__whole__has_no_body(web, url):
    async with web.head(url) as response:
        assert response.headers["Content-Length"] == "1024"
        assert await response.read() == b""


async def test_get__empty_blob__is_empty(web, node):
    digest = node.store.put(b"")
    node.public.add(digest)

    async with web.get(f"/blobs/{digest.hex()}") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_get__not_public__looks_like_unknown(web, node):
    hidden = node.store.put(b"not settled yet")
    answers = []
    for name in (hidden.hex(), "ab" * 32):
        async with web.get(f"/blobs/{name}") as response:
            answers.append((response.status, await response.text()))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize("name", ["../secret", "AB" * 32, "ab", "%2e%2e"])
async def test_get__not_a_digest__is_404(web, name):
    async with web.get(f"/blobs/{name}") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1000-", 1000, 1024),
        ("bytes=1000-9999", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-9999", 0, 1024),
        ("bytes=5-5, 9999-", 5, 6),
    ],
)
async def test_get__one_range__is_206(web, url, header, start, end):
    async with web.get(url, headers={"Range": header}) as response:
        assert response.status == 206
        assert await response.read() == DATA[start:end]
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/1024"


async def test_get__two_ranges__is_multipart(web, url):
    async with web.get(url, headers={"Range": "bytes=0-3,1020-"}) as response:
        body = await response.read()
        kind, _, mark = response.headers["Content-Type"].partition("; boundary=")

    assert (response.status, kind) == (206, "multipart/byteranges")
    assert int(response.headers["Content-Length"]) == len(body)
    before, first, second, after = body.split(b"--" + mark.encode())
    assert (before, after) == (b"\r\n", b"--\r\n")
    assert first.endswith(b"Content-Range: bytes 0-3/1024\r\n\r\n" + DATA[:4] + b"\r\n")
    assert second.endswith(b"Content-Range: bytes 1020-1023/1024\r\n\r\n" + DATA[1020:] + b"\r\n")


@pytest.mark.parametrize(
    "header",
    [
        "bytes=1024-",
        "bytes=-0",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(9)),
        "bytes=0-,0-",
    ],
)
async def test_get__impossible_ranges__are_416_with_the_size(web, url, header):
    async with web.get(url, headers={"Range": header}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize("header", ["bytes=9-3", "bytes=a-b", "bytes", "lines=0-3", "bytes=0-3,x"])
async def test_get__malformed_range__gives_the_whole(web, url, header):
    async with web.get(url, headers={"Range": header}) as response:
        assert response.status == 200
        assert await response.read() == DATA


async def test_get__known_etag__is_304(web, url, digest):
    async with web.get(url, headers={"If-None-Match": f'W/"x", "{digest.hex()}"'}) as response:
        assert response.status == 304


@pytest.mark.parametrize(("right", "status"), [(True, 206), (False, 200)])
async def test_get__if_range__decides_on_the_etag(web, url, digest, right, status):
    etag = f'"{digest.hex()}"' if right else '"other"'
    async with web.get(url, headers={"Range": "bytes=0-3", "If-Range": etag}) as response:
        assert response.status == status


async def test_get__beyond_the_peers_places__is_429_and_slow_readers_are_dropped(node, server, web):
    big = node.store.put(bytes(12 << 20))
    node.public.add(big)
    url = f"/blobs/{big.hex()}"
    slow = []
    for _ in range(2):  # both ask and read nothing, so that each holds a place
        reader, writer = await asyncio.open_connection("127.0.0.1", server.public_port, limit=1024)
        writer.write(f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        slow.append(writer)

    async with web.get(url) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "1"

    for _ in range(200):  # 0.3 s of grace and 20 MB/s for what the sockets took
        async with web.get(url, headers={"Range": "bytes=0-0"}) as response:
            if response.status == 206:
                break
        await asyncio.sleep(0.05)
    assert response.status == 206
    for writer in slow:
        writer.close()


async def test_fetcher__from_this_api__gets_the_blob(server, digest, tmp_path_factory):
    store = BlobStore(tmp_path_factory.mktemp("other"), quota=1 << 20, free_floor=0)
    endpoint = f"http://127.0.0.1:{server.public_port}"
    async with GuardedHttp(allow_private=True) as http:
        fetcher = Fetcher(store, http, FetchConfig())
        path = await fetcher.fetch(digest, (endpoint_locator(endpoint),), 1 << 20)

    assert path.read_bytes() == DATA
