"""The guest's table of open descriptors."""

import struct
from dataclasses import dataclass

from worker.executors.errno import Errno, WasiError
from worker.executors.files import Folder, Node, OutputFile, Place, Quota
from worker.executors.guest import Guest

APPEND = 1
"""The descriptor flag that sends every write to the file's end."""

_MAX_HANDLES = 1024
_MAX_PATH = 4096
_PATH_BYTE_FUEL = 50
_TYPE_STREAM, _TYPE_FOLDER, _TYPE_FILE = 0, 3, 4


class Stream:
    """stdin (always at its end), stdout or stderr."""

    size = 0

    def __init__(self, quota: Quota | None) -> None:
        """Without a quota nothing can be written: stdin."""
        self._quota = quota
        self.data = bytearray()

    def write(self, content: bytes) -> None:
        """Append. Raises OutputLimitError beyond the terms' log bytes."""
        if self._quota is None:
            raise WasiError(Errno.BADF)
        self._quota.take_log(len(content))
        self.data += content


@dataclass
class Handle:
    """An open file, folder or stream."""

    node: Node | Stream
    is_preopened: bool = False
    writable: bool = False
    append: bool = False
    offset: int = 0


class Descriptors:
    """Numbers → handles. All methods raise WasiError where the call must fail."""

    def __init__(self, guest: Guest, quota: Quota, inputs: Folder) -> None:
        """Open stdin, stdout, stderr, /in and /out."""
        self._guest = guest
        self.stdout = Stream(quota)
        self.stderr = Stream(quota)
        self.out = Folder(b"out", writable=True)
        self._handles = {
            0: Handle(Stream(None)),
            1: Handle(self.stdout),
            2: Handle(self.stderr),
            3: Handle(inputs, is_preopened=True),
            4: Handle(self.out, is_preopened=True),
        }

    def require_room(self) -> None:
        """Check that one more can be opened."""
        if len(self._handles) >= _MAX_HANDLES:
            raise WasiError(Errno.MFILE)

    def add(self, handle: Handle) -> int:
        """Return the lowest free number, which now stands for `handle`."""
        if isinstance(handle.node, OutputFile):
            handle.node.acquire()
        number = next(n for n in range(_MAX_HANDLES) if n not in self._handles)
        self._handles[number] = handle
        return number

    def close(self, fd: int) -> None:
        """Free a number."""
        node = self.get(fd).node
        del self._handles[fd]
        if isinstance(node, OutputFile):
            node.release()

    def renumber(self, fd: int, to: int) -> None:
        """Let `to`, which is open, stand for what `fd` stood for."""
        handle = self.get(fd)
        self.get(to)
        if fd != to:
            self.close(to)
            self._handles[to] = self._handles.pop(fd)
            handle.is_preopened = False

    def get(self, fd: int) -> Handle:
        """Return what a number stands for."""
        handle = self._handles.get(fd)
        if handle is None:
            raise WasiError(Errno.BADF)
        return handle

    def folder(self, fd: int) -> Folder:
        """Return an open folder."""
        node = self.get(fd).node
        if not isinstance(node, Folder):
            raise WasiError(Errno.NOTDIR)
        return node

    def output(self, fd: int) -> OutputFile:
        """Return a file that is open for writing."""
        handle = self.get(fd)
        if not isinstance(handle.node, OutputFile) or not handle.writable:
            raise WasiError(Errno.BADF)
        return handle.node

    def preopened(self, fd: int) -> bytes:
        """Return "/in" or "/out" where the number stands for it."""
        handle = self.get(fd)
        if not handle.is_preopened or not isinstance(handle.node, Folder):
            raise WasiError(Errno.BADF)
        return b"/" + handle.node.path

    def place(self, fd: int, path: int, length: int) -> Place:
        """Return where the path that is in memory leads from an open folder."""
        folder = self.folder(fd)
        if length > _MAX_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        self._guest.burn(_PATH_BYTE_FUEL * length)
        return Place(folder, self._guest.read(path, length))

    def put_stat(self, result: int, node: Node | Stream) -> None:
        """Write type and size; every other field is the same for all files."""
        size = 0 if isinstance(node, Folder) else node.size
        stat = struct.pack("<QQB7xQQQQQ", 0, 1, type_of(node), 1, size, 0, 0, 0)
        self._guest.write(result, stat)


def type_of(node: Node | Stream) -> int:
    """Return WASI's number for the kind of file."""
    if isinstance(node, Folder):
        return _TYPE_FOLDER
    return _TYPE_STREAM if isinstance(node, Stream) else _TYPE_FILE
