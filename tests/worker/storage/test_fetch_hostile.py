"""Fetching from places that lie, drip, cut off, redirect and compress: only the digest counts."""

import asyncio
import gzip
import socket

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.worker.storage.fetch_actors import CAP, DATA, DIGEST, FAST, refused
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp


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


async def test_fetch__redirect_to_a_good_place__is_followed(server, fetcher):
    server.redirect("/there", "/one")
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
        ("//[::!]", "redirected to nonsense"),
        ("/loop", "more than 3 redirects"),
    ],
)
async def test_fetch__redirect_to_a_bad_place__is_refused(server, fetcher, store, target, reason):
    server.redirect("/loop", target)
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
