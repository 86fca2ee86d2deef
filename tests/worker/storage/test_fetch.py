"""Fetching: from the first place that has it, once, and only what its digest says."""

import asyncio
import hashlib
import os

import pytest
from aiohttp import web

from tests.worker.storage.fetch_actors import CAP, DATA, DIGEST, refused
from worker.errors import FetchError, InvalidBlobError, StoreFullError
from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.types import Digest, Timestamp


async def test_fetch__template_url__stores_and_returns_the_file(server, fetcher, store):
    server.answer(f"/b/{DIGEST.hex()}", body=DATA)
    await server.start()

    path = await fetcher.fetch(DIGEST, (server.url("/b/{digest}"),), CAP, Timestamp(9_999_999_999))

    assert path.read_bytes() == DATA
    assert store.info(DIGEST).keep_until == 9_999_999_999


async def test_fetch__disk_that_never_syncs__is_not_waited_for(
    server, fetcher, store, monkeypatch, tmp_path
):
    def stuck(_: int) -> None:
        raise AssertionError("what can be fetched again was synced")

    server.answer("/one", body=DATA)
    await server.start()
    file = tmp_path / "elsewhere"
    file.write_bytes(b"a file")
    monkeypatch.setattr(os, "fsync", stuck)

    await fetcher.fetch(DIGEST, (server.url("/one"),), CAP)
    await fetcher.fetch(Digest(hashlib.sha256(b"a file").digest()), (file.as_uri(),), CAP)

    assert len(list(store.blobs())) == 2


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
