"""Fetching from IPFS, through a gateway or a node of ours, and from files of a local chain."""

import os

import pytest
from aiohttp import web

from tests.worker.storage.fetch_actors import CAP, CID, DATA, DIGEST, FAST, refused
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp


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
    server.redirect(f"/ipfs/{CID}", "/one")
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
