"""One process per worker key: two would spend each other's nonces and seal twice."""

import fcntl
import hashlib
import os
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.errors import KeyInUseError, StoreCorruptError
from worker.types import Address

_PEER = struct.Struct("3i")  # process, user, group


class HostLock:
    """Holds a key on this machine, whatever the data folder: the name of an abstract socket, which
    leaves no file and goes with the process. Containers with networks of their own do not see it.
    """

    def __init__(self, chain: str, key: Address) -> None:
        """`chain` tells networks apart, so that a key may work on several."""
        self._key = key
        digest = hashlib.sha256(f"{chain}:{key.lower()}".encode()).hexdigest()
        self._name = f"\0proofmesh-worker-{digest}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def __enter__(self) -> Self:
        """Take the name, or raise KeyInUseError naming the process that has it."""
        try:
            self._socket.bind(self._name)
        except OSError:
            holder = self._holder()
            self._socket.close()
            raise _in_use(self._key, holder, "on this machine") from None
        self._socket.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _holder(self) -> str:
        """Return the process id of whoever listens, as the kernel tells it."""
        try:
            self._socket.connect(self._name)
            told = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        except OSError:
            return "unknown"
        return str(_PEER.unpack(told)[0])


class KeyLock:
    """Holds a key in a data folder, which several machines or containers may share. The kernel
    gives it up when the process ends, however it ends.

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
            raise _in_use(self._key, holder, str(self._path)) from None
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


def _in_use(key: Address, holder: str, where: str) -> KeyInUseError:
    return KeyInUseError(
        f"key {key} is in use by process {holder} ({where}): stop that one first, "
        "or give this one a key of its own"
    )
