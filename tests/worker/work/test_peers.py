"""Peers that lie, stall, redirect and flood: each ends in a FetchError with the reason."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from worker.errors import FetchError, UsageError
from worker.protocol.openings import Opening
from worker.protocol.uploads import Upload
from worker.storage.http import GuardedHttp, PassingFetchError, Speed
from worker.types import Address, BatchIndex, Digest, JobKey, OperatorId, TaskIndex, Timestamp
from worker.work.peers import PeerClient

JOB = JobKey(b"\xab" * 32)
BATCH = BatchIndex(3)
OPENING = Opening(OperatorId(7), 1, (b"\x01" * 32,), b"\x03" * 32)
DATA = b"input" * 1_000
UPLOAD = Upload(
    Digest(b"\xcd" * 32), len(DATA), Address("0x" + "11" * 20), OperatorId(7), Timestamp(9)
)
FAST = Speed(connect=1.0, grace=0.3, min_rate=1_000_000)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Peer:
    """A real listener on loopback that answers every request as a test says."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.asked: list[str] = []
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start(self) -> None:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.endpoint = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    def says(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        async def answer(request: web.Request) -> web.Response:
            await request.read()
            return web.Response(status=status, body=body, headers=headers)

        self.answer = answer

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        assert self.answer is not None
        return await self.answer(request)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    await peer.start()
    yield peer
    await peer.runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[PeerClient]:
    async with GuardedHttp(allow_private=True, speed=FAST) as http:
        yield PeerClient(http)


def file_of(data: bytes = DATA) -> io.BytesIO:
    return io.BytesIO(data)


async def test_fetch_opening__well_formed__is_returned(client, peer):
    peer.says(body=OPENING.encode())

    assert await client.fetch_opening(peer.endpoint + "/", JOB, BATCH) == OPENING
    assert peer.asked == [f"GET /openings/{JOB.hex()}/3"]


@pytest.mark.parametrize(
    ("status", "is_passing"), [(404, False), (425, True), (429, True), (503, True)]
)
async def test_fetch_opening__refused__tells_whether_to_come_again(
    client, peer, status, is_passing
):
    peer.says(status=status)

    with pytest.raises(FetchError, match=f"status {status}") as caught:
        await client.fetch_opening(peer.endpoint, JOB, BATCH)
    assert isinstance(caught.value, PassingFetchError) is is_passing


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 4_000, b'{"operator": 7}'])
async def test_fetch_opening__malformed__raises(client, peer, body):
    peer.says(body=body)

    with pytest.raises(FetchError, match="not in its format"):
        await client.fetch_opening(peer.endpoint, JOB, BATCH)


async def test_fetch_opening__longer_than_any_opening__raises(client, peer):
    peer.says(body=OPENING.encode() + b" " * 5_000)

    with pytest.raises(FetchError, match="larger than 4096"):
        await client.fetch_opening(peer.endpoint, JOB, BATCH)


@pytest.mark.parametrize("size", [0, 63, 65])
async def test_fetch_trace__another_size__raises(client, peer, size):
    peer.says(body=bytes(size))

    with pytest.raises(FetchError, match=r"64"):
        await client.fetch_trace(peer.endpoint, JOB, TaskIndex(2), 2)
    with pytest.raises(FetchError, match=r"64"):
        await client.fetch_segment(peer.endpoint, JOB, TaskIndex(2), 1, 2)
    with pytest.raises(FetchError, match=r"64"):
        await client.fetch_tensor(peer.endpoint, JOB, TaskIndex(2), 0, 64)


async def test_fetch_opening__silent_peer__is_left(client, peer):
    async def silence(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    peer.answer = silence

    with pytest.raises(PassingFetchError, match="too slow"):
        await client.fetch_opening(peer.endpoint, JOB, BATCH)


@pytest.mark.parametrize(
    "endpoint",
    ["", "ftp://host", "http://user@host", "http://host/?x=", "http://host/#", "http://host:0"],
)
async def test_fetch_opening__not_an_endpoint__raises(client, endpoint):
    with pytest.raises(FetchError, match="not a worker's endpoint"):
        await client.fetch_opening(endpoint, JOB, BATCH)


async def test_both__private_address_off_a_local_chain__are_refused(peer):
    async with GuardedHttp(allow_private=False, speed=FAST) as http:
        client = PeerClient(http)
        with pytest.raises(FetchError, match="is not public"):
            await client.fetch_opening(peer.endpoint, JOB, BATCH)
        with pytest.raises(FetchError, match="is not public"):
            await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of())
    assert peer.asked == []


async def test_upload__taken__returns_the_time_and_sends_all(client, peer):
    received = []

    async def take(request: web.Request) -> web.Response:
        received.append((request.content_length, await request.read()))
        return web.json_response({"kept_until": 123}, status=201)

    peer.answer = take
    file = file_of()
    file.seek(7)

    assert await client.upload(peer.endpoint, UPLOAD, bytes(65), file) == 123
    assert received == [(len(DATA), DATA)]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, b'{"error": "over_quota", "message": "m"}', r"^status 403 \(over_quota\)$"),
        (403, b'{"error": "a\\nforged line"}', "^status 403$"),
        (403, b'{"error": ["x"]}', "^status 403$"),
        (403, b"[" * 4_000, "^status 403$"),
        (400, b"x" * 5_000, "longer than 4096"),
        (204, b"", "^status 204$"),
    ],
)
async def test_upload__refused__says_why_in_a_short_word(client, peer, status, body, told):
    peer.says(status=status, body=body)

    with pytest.raises(FetchError, match=told) as caught:
        await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of())
    assert not isinstance(caught.value, PassingFetchError)


async def test_upload__full_for_now__may_be_tried_again(client, peer):
    peer.says(status=507, body=b'{"error": "full"}')

    with pytest.raises(PassingFetchError, match=r"status 507 \(full\)"):
        await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of())


async def test_upload__redirected__sends_the_permit_nowhere_else(client, peer):
    peer.says(status=307, Location=f"{peer.endpoint}/elsewhere")

    with pytest.raises(FetchError, match="status 307"):
        await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of())
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"kept_until": "1"}, {"kept_until": -1}, {"kept_until": True}]
)
async def test_upload__nonsense_answer__raises(client, peer, answer):
    peer.says(status=201, body=json.dumps(answer).encode())

    with pytest.raises(FetchError, match="not in its format"):
        await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of())


async def test_upload__peer_that_reads_nothing__is_left(client):
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung_up.wait()
        writer.close()

    hung_up = asyncio.Event()
    server = await asyncio.start_server(hold, "127.0.0.1", 0, limit=1024)
    endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    data = bytes(16 << 20)
    upload = Upload(UPLOAD.digest, len(data), UPLOAD.signer, UPLOAD.operator, UPLOAD.expiry)
    async with GuardedHttp(True, Speed(connect=1.0, grace=0.3, min_rate=50_000_000)) as http:
        with pytest.raises(PassingFetchError, match="too slow"):
            await PeerClient(http).upload(endpoint, upload, bytes(65), file_of(data))
    hung_up.set()
    server.close()


async def test_upload__another_size_than_signed__sends_nothing(client, peer):
    with pytest.raises(UsageError, match="has 3 bytes, 5000 were signed"):
        await client.upload(peer.endpoint, UPLOAD, bytes(65), file_of(b"abc"))
    assert peer.asked == []
