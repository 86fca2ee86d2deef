"""Gets a job's blobs to where operators find them: kept here, left with workers, or served."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from worker.chain.keys import LOCAL_CHAIN_ID
from worker.client.build import Build
from worker.client.eligibility import Candidate
from worker.client.network import Network
from worker.client.wallet import Wallet
from worker.errors import FetchError, InvalidBlobError, NotFoundError, UsageError
from worker.protocol.uploads import Upload, UploadDomain, sign_upload, to_header
from worker.storage.blobs import BlobStore
from worker.storage.locators import endpoint_locator, is_plain_http
from worker.types import Digest, Timestamp

COPIES = 3
"""With how many workers blobs are left, unless told otherwise."""

QUOTA = 64 << 30
_CHUNK = 1 << 18
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=5, sock_read=30)

Progress = Callable[[str, int, int], None]
"""Called with what is moved, bytes done, bytes in all."""


@dataclass(frozen=True)
class Delivery:
    """How operators get a job's blobs.

    Without `locators` the blobs are left with `copies` workers, so that this machine may sleep; on
    a local chain operators read this machine's own store. `served_at` is the public URL of a
    `serving` block.
    """

    locators: tuple[str, ...] = ()
    served_at: str | None = None
    copies: int = COPIES


@dataclass(frozen=True)
class Lease:
    """For which posting blobs are left with a worker, and until when, in chain time."""

    nonce: int
    expires: Timestamp


def stash(store: BlobStore, build: Build, until: Timestamp) -> tuple[Digest, ...]:
    """Copy every blob of a job into `store`, so that later changes of the files do no harm.

    Raises InvalidBlobError when a file changed since it was hashed, StoreFullError.
    """
    for digest, path in build.blobs.items():
        with path.open("rb") as file:
            try:
                store.put_stream(file, path.stat().st_size, digest, until)
            except InvalidBlobError as error:
                raise InvalidBlobError(f"{path} changed while it was read") from error
    for data in build.documents.values():
        store.put(data, until)
    return tuple(sorted({*build.blobs, *build.documents}))


def local_locators(chain_id: int, store: BlobStore) -> tuple[str, ...]:
    """Return the locator of the store itself: operators of a local chain are on this machine."""
    if chain_id != LOCAL_CHAIN_ID:
        return ()
    return (f"file://{store.folder.resolve()}/{{digest}}",)


def served_locators(url: str | None) -> tuple[str, ...]:
    """Return the locator of a `serving` block that others reach at `url`."""
    return () if url is None else (endpoint_locator(url),)


class Uploader:
    """Leaves blobs with workers."""

    def __init__(self, network: Network, wallet: Wallet, store: BlobStore) -> None:
        self._domain = UploadDomain(network.chain_id, network.service)
        self._wallet = wallet
        self._store = store

    async def upload(
        self,
        digests: Sequence[Digest],
        candidates: Iterable[Candidate],
        lease: Lease,
        copies: int = COPIES,
        progress: Progress = lambda *_: None,
    ) -> tuple[str, ...]:
        """Leave the blobs with the first `copies` workers that take them all; return locators.

        Raises FetchError with every worker's reason when none does.
        """
        taken: list[str] = []
        refusals: list[str] = []
        async with aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session:
            for candidate in candidates:
                if len(taken) == copies:
                    break
                try:
                    for digest in digests:
                        await self._put(session, candidate, digest, lease, progress)
                except (aiohttp.ClientError, TimeoutError, FetchError) as error:
                    refusals.append(f"operator {candidate.operator}: {error or 'too slow'}")
                else:
                    taken.append(endpoint_locator(candidate.endpoint))
        if not taken:
            told = "; ".join(refusals) or "no eligible operator announces an endpoint"
            raise FetchError(f"no worker took the inputs: {told}")
        return tuple(taken)

    async def _put(
        self,
        session: aiohttp.ClientSession,
        candidate: Candidate,
        digest: Digest,
        lease: Lease,
        progress: Progress,
    ) -> None:
        if not is_plain_http(candidate.endpoint):
            raise FetchError("announces no usable endpoint")
        size = self._store.info(digest).size
        upload = Upload(
            payer=self._wallet.address,
            operator=candidate.operator,
            digest=digest,
            size=size,
            nonce=lease.nonce,
            expires=lease.expires,
        )
        signature = sign_upload(upload, self._domain, self._wallet.signer)
        headers = {"Authorization": to_header(upload, signature), "Content-Length": str(size)}
        url = f"{candidate.endpoint.rstrip('/')}/blobs/{digest.hex()}"
        body = _chunks(self._store.path(digest), size, digest.hex()[:12], progress)
        async with session.put(url, data=body, headers=headers, allow_redirects=False) as answer:
            if answer.status not in (200, 201):
                text = (await answer.content.read(200)).decode(errors="replace").strip()
                raise FetchError(f"status {answer.status} {text!a}")


async def _chunks(path: Path, size: int, name: str, progress: Progress) -> AsyncIterator[bytes]:
    done = 0
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
            done += len(chunk)
            progress(name, done, size)


@asynccontextmanager
async def serving(store: BlobStore, host: str, port: int) -> AsyncIterator[int]:
    """Serve the store's blobs at /blobs/<digest> while the block runs; gives the port.

    Raises UsageError when the port cannot be had.
    """

    async def blob(request: web.Request) -> web.StreamResponse:
        try:
            path = store.path(Digest(bytes.fromhex(request.match_info["digest"])))
        except NotFoundError as error:
            raise web.HTTPNotFound from error
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    app = web.Application()
    app.router.add_get("/blobs/{digest:[0-9a-f]{64}}", blob)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
