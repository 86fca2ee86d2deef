"""One process per worker key: two would spend each other's nonces and seal twice."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.errors import KeyInUseError, StoreCorruptError
from worker.types import Address


class KeyLock:
    """A lock that the kernel gives up when the process ends, however it ends.

    The file stays behind on purpose: removing it would let two processes lock two files.
    """

    def __init__(self, folder: Path, key: Address) -> None:
        self._key = key
        self._path = folder / f"{key.lower()}.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock, or raise KeyInUseError naming the process that has it."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreCorruptError(f"{self._path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise KeyInUseError(
                f"worker key {self._key} is in use by process {holder} ({self._path})"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
