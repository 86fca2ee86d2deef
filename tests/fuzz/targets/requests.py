"""Whole HTTP requests, byte for byte, to the worker's real listeners."""

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests.fuzz.target import MEMORY, Form, Target
from worker.api.blobs import BlobRoutes
from worker.api.config import ApiConfig
from worker.api.openings import OpeningRoutes
from worker.api.places import Places
from worker.api.quota import UploadQuota
from worker.api.results import ResultRoutes
from worker.api.routes import AdminRoutes
from worker.api.server import ApiServer
from worker.api.traces import TraceRoutes
from worker.api.uploads import UploadRoutes, UploadTerms
from worker.chain.keys import dev_signer
from worker.errors import NotFoundError
from worker.protocol.openings import NoOpening, Opening
from worker.protocol.uploads import Upload, UploadDomain, sign_upload, to_header
from worker.storage.blobs import BlobStore
from worker.storage.database import Database
from worker.storage.http import Speed
from worker.storage.uploads import UploadStore
from worker.types import Address, BatchIndex, Digest, JobKey, OperatorId, TaskIndex, Timestamp

_BLOB = b"a public blob" * 10
_DOMAIN = UploadDomain(31337, Address("0x" + "12" * 20))
_SIGNER = dev_signer(0, 31337)
_SPEED = Speed(connect=1.0, grace=0.5, min_rate=1)
_PATIENCE = 2.0  # seconds; no answer may take as long, for nothing here is slow
_WAIT = 0.005
_JOB = "ab" * 32


class _Node:
    """A worker with one public blob, one opening, one result and one trace."""

    def __init__(self, public: Digest) -> None:
        self._public = public

    async def is_public(self, digest: Digest) -> bool:
        return digest == self._public

    async def opening(self, job: JobKey, batch: BatchIndex) -> Opening | NoOpening:
        known = (Opening(OperatorId(1), 0, (bytes(32),), bytes(32)), NoOpening.TOO_EARLY)
        return known[batch] if batch < len(known) else NoOpening.UNKNOWN

    async def result(self, job: JobKey, task: TaskIndex) -> bytes | None:
        return b"{}" if task == 0 else None

    async def trace(self, job: JobKey, task: TaskIndex) -> bytes:
        return await self.tensor(job, task, 0)

    async def segment(self, job: JobKey, task: TaskIndex, segment: int) -> bytes:
        return await self.tensor(job, task, segment)

    async def tensor(self, job: JobKey, task: TaskIndex, operator: int) -> bytes:
        if task or operator:
            raise NotFoundError("no such part")
        return bytes(64)

    async def status(self) -> Mapping[str, object]:
        return {"operator": 7}


class _Listeners:
    """Both listeners on loopback, and a loop that runs while a request is answered."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY)
        folder = Path(self._folder.name)
        self._runner = asyncio.Runner()
        store = BlobStore(folder / "blobs", quota=1 << 20, free_floor=0)
        (folder / "blob").write_bytes(_BLOB)
        self.public = Digest(store.put(_BLOB, Timestamp(1 << 40)))
        self._database = Database(folder / "api.sqlite")
        self._server = self._build(store)
        self._runner.run(self._server.__aenter__())
        self.failures = _Failures()
        logging.getLogger("worker.api.middleware").addHandler(self.failures)

    def _build(self, store: BlobStore) -> ApiServer:
        node = _Node(self.public)
        places = Places(total=64, per_peer=64)
        terms = UploadTerms(OperatorId(7), _DOMAIN, max_bytes=4_096, max_seconds=3_600)
        quota = UploadQuota(UploadStore(self._database), 1 << 20)

        async def allow(_: Upload) -> int:
            return 1 << 16

        return ApiServer(
            ApiConfig(public_port=0, admin_port=0),
            admin=[AdminRoutes(dict, node.status, lambda: None, CollectorRegistry())],
            public=[
                BlobRoutes(store, node.is_public, places, _SPEED),
                UploadRoutes(store, terms, allow, quota, places, _SPEED),
                OpeningRoutes(node),
                ResultRoutes(node),
                TraceRoutes(node, places, places, _SPEED),
            ],
        )

    def exchange(self, data: bytes) -> bytes:
        """Send bytes to a listener, the admin's if the first is "A"; return all that comes."""
        server = self._server
        port = server.admin_port if data[:1] == b"A" else server.public_port
        return self._runner.run(_exchange(port, data[1:]))


class _Failures(logging.Handler):
    """Remembers requests on which a handler failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


async def _exchange(port: int, data: bytes) -> bytes:
    """Leave once the answer has begun, or is not going to: the request may want a longer body."""
    answer = b""
    async with asyncio.timeout(_PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            with suppress(TimeoutError):
                async with asyncio.timeout(_WAIT):
                    answer = await reader.read(1)
            writer.write_eof()
            return answer + await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@cache
def _listeners() -> _Listeners:
    return _Listeners()


def _request(data: bytes) -> bool:
    """Every answer is one of HTTP's, none says that the worker failed, no handler did."""
    listeners = _listeners()
    try:
        answer = listeners.exchange(data)
    except TimeoutError:  # if the machine stood still meanwhile, the same request is answered now
        answer = listeners.exchange(data)
    assert not listeners.failures.seen, listeners.failures.seen[0].getMessage()
    assert not answer or answer.startswith(b"HTTP/"), answer[:80]
    assert answer[8:12] != b" 500", answer[:400]
    return answer[8:10] == b" 2"


def _seeds() -> list[bytes]:
    blob = _listeners().public.hex()
    body = b"left here"
    digest = Digest(bytes.fromhex(_sha256(body)))
    expiry = Timestamp(4_000_000_000)
    upload = Upload(digest, len(body), _SIGNER.address, OperatorId(7), expiry)
    permit = to_header(upload, sign_upload(upload, _DOMAIN, _SIGNER))
    paths = [f"/blobs/{blob}", f"/openings/{_JOB}/0", f"/results/0x{_JOB}/0", f"/traces/{_JOB}/0"]
    paths += [f"/traces/{_JOB}/0/segments/0", f"/tensors/{_JOB}/0/0"]
    gets = [f"PGET {path} HTTP/1.1\r\nHost: w\r\n\r\n" for path in paths]
    ranged = (
        f"PGET /blobs/{blob} HTTP/1.1\r\nHost: w\r\nRange: bytes=0-3,5-6\r\nIf-Range: x\r\n\r\n"
    )
    put = (
        f"PPUT /blobs/{digest.hex()} HTTP/1.1\r\nHost: w\r\nAuthorization: {permit}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body.decode()}"
    )
    admin = [
        f"A{verb} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for verb in ("GET /livez", "GET /readyz", "GET /metrics", "GET /status", "POST /drain")
    ]
    return [text.encode() for text in (*gets, ranged, put, *admin)]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_WORDS = (
    b"GET ", b"HEAD ", b"PUT ", b"OPTIONS ", b"* ", b"HTTP/1.0", b"HTTP/2", b"\r\n", b"\n", b": ",
    b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"Content-Length: 9\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n", b"Content-Encoding: gzip\r\n",
    b"Host: \r\n",
    b"Host: [::1]:80\r\n", b"Host: a:b:c\r\n", b"Origin: x\r\n", b"Range: bytes=",
    b"If-None-Match: *\r\n",
    b"Cookie: a=\"\r\n", b"%00", b"%2e%2e/", b"//", b"?", b"#", b"http://a/", b"\xff", b"\0",
)  # fmt: skip

TARGETS = (Target("http_request", _request, _seeds, (), Form.TEXT, _WORDS),)
