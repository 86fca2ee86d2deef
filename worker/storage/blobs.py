"""A folder of blobs, each named by its sha256.

The folder is its own index: a blob's modification time is the second until which it is kept, so
nothing can disagree with the files and a crash leaves nothing to repair. Blobs whose time is over
stay until their room is needed; the one that expired first goes first.
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from worker.errors import InvalidBlobError, NotFoundError, StoreFullError
from worker.types import Digest, Timestamp

CHUNK = 1 << 18
_NAME = re.compile(r"[0-9a-f]{64}")
_INCOMING = ".incoming-"
_STALE_AFTER = 86_400  # seconds; a younger unfinished file may be another process's
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class BlobInfo:
    """A stored blob: its size in bytes, and until when it must not be evicted."""

    digest: Digest
    size: int
    keep_until: Timestamp


class BlobStore:
    """Content-addressed blobs under `folder`, at most `quota` bytes in total.

    Nothing is written when it would leave less than `free_floor` bytes on the disk. `clock` tells
    the seconds that `keep_until` is compared with. Safe to use from several threads.
    """

    def __init__(
        self,
        folder: Path,
        quota: int,
        *,
        free_floor: int = 64 << 20,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.quota = quota
        self._free_floor = free_floor
        self._clock = clock
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._remove_stale()
        self._sizes = {info.digest: info.size for info in self.blobs()}
        self._used = sum(self._sizes.values())

    @property
    def used(self) -> int:
        """Bytes held, unfinished blobs included."""
        return self._used

    def put(self, data: bytes, keep_until: Timestamp | None = None) -> Digest:
        """Store `data` and return its digest. Raises StoreFullError."""
        with self.writer(len(data)) as writer:
            writer.write(data)
            return writer.commit(keep_until=keep_until)

    def put_file(self, path: Path, max_bytes: int, keep_until: Timestamp | None = None) -> Digest:
        """Store a copy of the file. Raises InvalidBlobError above `max_bytes`, StoreFullError."""
        with path.open("rb") as file:
            return self.put_stream(file, max_bytes, keep_until=keep_until)

    def put_stream(
        self,
        stream: BinaryIO,
        max_bytes: int,
        expected: Digest | None = None,
        keep_until: Timestamp | None = None,
    ) -> Digest:
        """Store what `stream` gives; see `BlobWriter` for the errors."""
        with self.writer(max_bytes) as writer:
            while chunk := stream.read(CHUNK):
                writer.write(chunk)
            return writer.commit(expected, keep_until)

    def writer(self, max_bytes: int, *, synced: bool = True) -> "BlobWriter":
        """Begin a blob of at most `max_bytes`; leaving the `with` block early drops it.

        One that is not `synced` may be torn by a power cut, which `verify` finds out: for what can
        be had again.
        """
        return BlobWriter(self, max_bytes, synced)

    def has(self, digest: Digest) -> bool:
        """Tell whether the blob is here."""
        return self._file(digest).is_file()

    def path(self, digest: Digest) -> Path:
        """Return the blob's file, to be read only. Raises NotFoundError."""
        path = self._file(digest)
        if not path.is_file():
            raise NotFoundError(f"no blob {digest.hex()}")
        return path

    def info(self, digest: Digest) -> BlobInfo:
        """Return size and time of a blob. Raises NotFoundError."""
        try:
            stat = self._file(digest).stat()
        except FileNotFoundError as error:
            raise NotFoundError(f"no blob {digest.hex()}") from error
        return BlobInfo(digest, stat.st_size, Timestamp(int(stat.st_mtime)))

    def read(self, digest: Digest) -> bytes:
        """Return the blob's bytes, checked. Raises NotFoundError, InvalidBlobError as `verify`."""
        self.path(digest)
        data = self._file(digest).read_bytes()
        if hashlib.sha256(data).digest() != digest:
            self._drop_rotten(digest)
        return data

    def verify(self, digest: Digest) -> Path:
        """Return the file after hashing it; a rotten one is deleted and InvalidBlobError raised."""
        path = self.path(digest)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").digest() != digest:
                self._drop_rotten(digest)
        return path

    def keep(self, digest: Digest, until: Timestamp) -> None:
        """Keep the blob at least until then; never shortens. Raises NotFoundError."""
        with self._lock:
            if self.info(digest).keep_until < until:
                os.utime(self._file(digest), (until, until))

    def delete(self, digest: Digest) -> None:
        """Remove the blob, kept or not; nothing happens when it is not here."""
        with self._lock:
            self._remove(digest)

    def blobs(self) -> Iterator[BlobInfo]:
        """Yield every stored blob, in no order."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if _NAME.fullmatch(entry.name):
                    with suppress(FileNotFoundError):
                        stat = entry.stat()
                        digest = Digest(bytes.fromhex(entry.name))
                        yield BlobInfo(digest, stat.st_size, Timestamp(int(stat.st_mtime)))

    def _file(self, digest: Digest) -> Path:
        return self.folder / digest.hex()

    def _drop_rotten(self, digest: Digest) -> None:
        self.delete(digest)
        raise InvalidBlobError(f"blob {digest.hex()} was damaged on disk and has been removed")

    def _remove(self, digest: Digest) -> None:
        self._file(digest).unlink(missing_ok=True)
        self._used -= self._sizes.pop(digest, 0)

    def _reserve(self, size: int) -> None:
        """Count `size` more bytes as used, evicting if need be. Raises StoreFullError."""
        with self._lock:
            lacking = self._lacking(size)
            if lacking > 0:
                self._evict(lacking)
                lacking = self._lacking(size)
            if lacking > 0:
                raise StoreFullError(
                    f"blob store: {lacking} bytes too few in the quota of {self.quota} bytes "
                    f"or above the {self._free_floor} bytes to be left free on {self.folder}"
                )
            self._used += size

    def _lacking(self, size: int) -> int:
        free = shutil.disk_usage(self.folder).free
        return max(self._used + size - self.quota, size + self._free_floor - free)

    def _evict(self, wanted: int) -> None:
        now = self._clock()
        expired = [info for info in self.blobs() if info.keep_until <= now]
        for info in sorted(expired, key=lambda info: info.keep_until):
            if wanted <= 0:
                return
            self._remove(info.digest)
            wanted -= info.size

    def _release(self, size: int) -> None:
        with self._lock:
            self._used -= size

    def _adopt(self, file: Path, digest: Digest, size: int, keep_until: Timestamp | None) -> None:
        """Give a finished file its name; `size` bytes are already counted as used."""
        until = int(self._clock()) if keep_until is None else keep_until
        target = self._file(digest)
        with self._lock:
            with suppress(FileNotFoundError):  # it was here: keep the later of the two times
                until = max(until, int(target.stat().st_mtime))
            os.utime(file, (until, until))
            file.replace(target)
            self._used -= self._sizes.get(digest, 0)
            self._sizes[digest] = size

    def _remove_stale(self) -> None:
        for path in self.folder.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_AFTER:
                    path.unlink()


class BlobWriter:
    """Takes a blob's bytes as they come; nothing is visible before `commit`."""

    def __init__(self, store: BlobStore, max_bytes: int, synced: bool) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._synced = synced
        self._hash = hashlib.sha256()
        self.size = 0
        with _full_disk():
            handle, name = tempfile.mkstemp(prefix=_INCOMING, dir=store.folder)
        self._path = Path(name)
        self._file = os.fdopen(handle, "wb", buffering=0)

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._file.closed:
            self.abort()

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises InvalidBlobError above the cap and StoreFullError."""
        if self.size + len(chunk) > self._max_bytes:
            raise InvalidBlobError(f"blob is larger than {self._max_bytes} bytes")
        self._store._reserve(len(chunk))
        self.size += len(chunk)
        self._hash.update(chunk)
        with _full_disk():
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]

    def commit(self, expected: Digest | None = None, keep_until: Timestamp | None = None) -> Digest:
        """Make the blob visible, and durable if it is to be synced. Raises InvalidBlobError unless
        it is `expected`."""
        digest = Digest(self._hash.digest())
        if expected is not None and digest != expected:
            raise InvalidBlobError(f"got bytes with sha256 {digest.hex()}")
        if self._synced:
            with _full_disk():
                os.fsync(self._file.fileno())
        self._file.close()
        self._store._adopt(self._path, digest, self.size, keep_until)
        if self._synced:
            _sync_folder(self._store.folder)
        return digest

    def abort(self) -> None:
        """Drop what was written."""
        self._file.close()
        self._path.unlink(missing_ok=True)
        self._store._release(self.size)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Say plainly that the disk is full, in place of an OSError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StoreFullError(f"blob store: the disk refused: {error.strerror}") from error
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
