"""Gets a job's blobs to where operators find them: kept here, left with workers, or served."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from worker.chain.keys import LOCAL_CHAIN_ID, Signer
from worker.client.build import Build
from worker.client.eligibility import Candidate
from worker.client.network import Network
from worker.errors import FetchError, InvalidBlobError, NotFoundError, UsageError
from worker.protocol.uploads import Upload, UploadDomain, sign_upload
from worker.storage.blobs import BlobStore
from worker.storage.locators import endpoint_locator
from worker.types import Digest, Timestamp
from worker.work.peers import PeerClient

COPIES = 3
"""With how many workers blobs are left, unless told otherwise."""

QUOTA = 64 << 30

Progress = Callable[[str, int], None]
"""Called with who took a blob, and its bytes."""


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

    @property
    def all_locators(self) -> tuple[str, ...]:
        """The locators given, and the one of what is served."""
        served = () if self.served_at is None else (endpoint_locator(self.served_at),)
        return self.locators + served


def stash(store: BlobStore, build: Build, until: Timestamp) -> tuple[Digest, ...]:
    """Copy every blob of a job into `store`, so that later changes of the files do no harm.

    Raises InvalidBlobError when a file changed since it was hashed, StoreFullError.
    """
    for digest, blob in build.blobs.items():
        try:
            with blob.open() as file:
                store.put_stream(file, blob.size, digest, until)
        except (InvalidBlobError, ValueError) as error:
            raise InvalidBlobError(f"{blob.path} changed while it was read") from error
    for data in build.documents.values():
        store.put(data, until)
    return tuple(sorted({*build.blobs, *build.documents}))


def local_locators(chain_id: int, store: BlobStore) -> tuple[str, ...]:
    """Return the locator of the store itself: operators of a local chain are on this machine."""
    if chain_id != LOCAL_CHAIN_ID:
        return ()
    return (f"file://{store.folder.resolve()}/{{digest}}",)


class Uploader:
    """Leaves blobs with workers, so that this machine may sleep."""

    def __init__(
        self, network: Network, signer: Signer, store: BlobStore, peers: PeerClient
    ) -> None:
        self._domain = UploadDomain(network.chain_id, network.service)
        self._signer = signer
        self._store = store
        self._peers = peers

    async def upload(
        self,
        digests: Sequence[Digest],
        candidates: Iterable[Candidate],
        expiry: Timestamp,
        copies: int = COPIES,
        progress: Progress = lambda *_: None,
    ) -> tuple[str, ...]:
        """Leave the blobs with the first `copies` workers that take them all; return locators.

        Raises FetchError with every worker's reason when none does.
        """
        taken: list[str] = []
        refusals: list[str] = []
        for candidate in candidates:
            if len(taken) == copies:
                break
            try:
                for digest in digests:
                    await self._put(candidate, digest, expiry, progress)
            except FetchError as error:
                refusals.append(f"operator {candidate.operator}: {error}")
            else:
                taken.append(endpoint_locator(candidate.endpoint))
        if not taken:
            told = "; ".join(refusals) or "no eligible operator announces an endpoint"
            raise FetchError(f"no worker took the inputs: {told}")
        return tuple(taken)

    async def _put(
        self, candidate: Candidate, digest: Digest, expiry: Timestamp, progress: Progress
    ) -> None:
        upload = Upload(
            digest=digest,
            size=self._store.info(digest).size,
            signer=self._signer.address,
            operator=candidate.operator,
            expiry=expiry,
        )
        signature = sign_upload(upload, self._domain, self._signer)
        with self._store.path(digest).open("rb") as file:
            await self._peers.upload(candidate.endpoint, upload, signature, file)
        progress(f"operator {candidate.operator}", upload.size)


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
