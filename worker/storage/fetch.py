"""Get a blob from wherever it may be found, and believe nothing but its digest."""

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict

from worker.errors import FetchError, InvalidBlobError
from worker.storage.blobs import CHUNK, BlobStore
from worker.storage.http import GuardedHttp, PassingFetchError
from worker.storage.locators import Source, sources
from worker.types import Digest, Timestamp


class FetchConfig(BaseModel):
    """Where else this machine may look: its own folders, an IPFS gateway, a kubo node's RPC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_roots: tuple[Path, ...] = ()
    ipfs_gateway: str | None = None
    kubo_rpc: str | None = None
    parallel: int = 8
    retry_after: float = 0.5  # seconds before the places that may recover are asked again


@dataclass(frozen=True)
class _Route:
    """One request for one source; `trusted` leads to a service that the operator configured."""

    shown: str
    url: str
    method: str = "GET"
    trusted: bool = False


class Fetcher:
    """Fetches blobs into `store`. Files outside `file_roots` are open to local chains only."""

    def __init__(self, store: BlobStore, http: GuardedHttp, config: FetchConfig) -> None:
        self._store = store
        self._http = http
        self._config = config
        self._places = asyncio.Semaphore(config.parallel)
        self._busy: WeakValueDictionary[Digest, asyncio.Lock] = WeakValueDictionary()

    async def fetch(
        self,
        digest: Digest,
        locators: tuple[str, ...],
        max_bytes: int,
        keep_until: Timestamp | None = None,
    ) -> Path:
        """Return the blob's file, its bytes checked now, kept until then.

        Raises FetchError listing every source and its reason, StoreFullError, and InvalidBlobError
        when the blob is here and larger than `max_bytes`.
        """
        lock = self._busy.setdefault(digest, asyncio.Lock())
        async with lock, self._places:
            path = await self._stored(digest, max_bytes, keep_until)
            if path is None:
                await self._fetch_new(digest, locators, max_bytes, keep_until)
            return path or self._store.path(digest)

    async def _stored(
        self, digest: Digest, max_bytes: int, keep_until: Timestamp | None
    ) -> Path | None:
        if not self._store.has(digest):
            return None
        if self._store.info(digest).size > max_bytes:
            raise InvalidBlobError(f"blob {digest.hex()} is larger than {max_bytes} bytes")
        if keep_until is not None:
            self._store.keep(digest, keep_until)
        try:
            return await asyncio.to_thread(self._store.verify, digest)
        except InvalidBlobError:
            return None  # damaged on disk and dropped: fetch it anew

    async def _fetch_new(
        self,
        digest: Digest,
        locators: tuple[str, ...],
        max_bytes: int,
        keep_until: Timestamp | None,
    ) -> None:
        failures: dict[_Route, FetchError] = {}
        routes = list(self._routes(sources(locators, digest), max_bytes))
        while routes:
            for route in routes:
                try:
                    await self._take(route, digest, max_bytes, keep_until)
                except FetchError as error:
                    first_time = route not in failures
                    failures[route] = error if first_time else FetchError(str(error))
                else:
                    return
            routes = [r for r in routes if isinstance(failures[r], PassingFetchError)]
            if routes:
                await asyncio.sleep(self._config.retry_after)
        told = "; ".join(f"{route.shown}: {error}" for route, error in failures.items())
        if not told and any(locator.startswith("ipfs:") for locator in locators):
            told = "no IPFS gateway or kubo RPC is configured"
        raise FetchError(f"blob {digest.hex()}: {told or 'no usable locator'}")

    def _routes(self, found: list[Source], max_bytes: int) -> Iterator[_Route]:
        for source in found:
            if source.scheme != "ipfs":
                yield _Route(source.shown, source.url)
                continue
            path = source.url.removeprefix("ipfs://")
            if gateway := self._config.ipfs_gateway:
                url = f"{gateway.rstrip('/')}/ipfs/{path}"
                yield _Route(f"{source.shown} (gateway)", url, trusted=True)
            if kubo := self._config.kubo_rpc:
                query = f"arg={quote(path, safe='')}&length={max_bytes + 1}"
                url = f"{kubo.rstrip('/')}/api/v0/cat?{query}"
                yield _Route(f"{source.shown} (kubo)", url, method="POST", trusted=True)

    async def _take(
        self, route: _Route, digest: Digest, max_bytes: int, keep_until: Timestamp | None
    ) -> None:
        # Not synced: on a slow disk that takes longer than the fetching, and others claim first.
        with self._store.writer(max_bytes, synced=False) as writer:
            try:
                if route.url.startswith("file://"):
                    with await asyncio.to_thread(self._open_file, route.url) as file:
                        while chunk := await asyncio.to_thread(file.read, CHUNK):
                            writer.write(chunk)
                else:
                    await self._http.stream(
                        route.url,
                        max_bytes,
                        writer.write,
                        method=route.method,
                        trusted=route.trusted,
                    )
                await asyncio.to_thread(writer.commit, digest, keep_until)
            except InvalidBlobError as error:
                raise FetchError(str(error)) from error

    def _open_file(self, url: str) -> BinaryIO:
        path = Path(unquote(url.removeprefix("file://"))).resolve()
        if not self._may_read(path):
            raise FetchError("outside the folders that may be read")
        try:
            # Not blocking: the name may be a pipe, which is found out only afterwards.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise FetchError(f"cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FetchError("not a plain file")
        return os.fdopen(handle, "rb")

    def _may_read(self, path: Path) -> bool:
        roots = (root.resolve() for root in self._config.file_roots)
        return self._http.allow_private or any(path.is_relative_to(root) for root in roots)
