"""The files a guest sees: inputs under /in, read-only, and what it makes under /out, in memory.

Nothing of the host's file system shows: no times, no numbers, no order but by name.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from worker.executors.errno import Errno, WasiError
from worker.protocol.manifest import Limits

_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # a GuestPath's part, as bundles want it
_MAX_PATH = 255


class OutputLimitError(Exception):
    """The guest wrote more than the job's terms allow; the run ends."""


class Quota:
    """Counts a run's output against the terms. Raises OutputLimitError beyond them."""

    def __init__(self, limits: Limits, burn: Callable[[int], None]) -> None:
        """`burn` takes the fuel that making room costs, one for each byte."""
        self._burn = burn
        self._bytes = limits.output_bytes
        self._entries = limits.output_files
        self._log = limits.log_bytes

    def take_bytes(self, count: int) -> None:
        """Account for `count` more bytes in files; a negative count gives back."""
        if count > self._bytes:
            raise OutputLimitError
        self._burn(max(0, count))
        self._bytes -= count

    def take_entries(self, count: int) -> None:
        """Account for `count` more files and folders; a negative count gives back."""
        if count > self._entries:
            raise OutputLimitError
        self._entries -= count

    def take_log(self, count: int) -> None:
        """Account for `count` more bytes on stdout and stderr together."""
        if count > self._log:
            raise OutputLimitError
        self._log -= count


class InputFile:
    """A host file that the guest may read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.lseek(descriptor, 0, os.SEEK_END)  # fstat is not among the calls left

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes."""
        if offset >= self.size:
            return b""
        return os.pread(self._descriptor, min(count, self.size - offset), offset)


class OutputFile:
    """A file the guest made. It takes from the quota as long as it has a name or is open."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._users = 0
        self.data = bytearray()

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        return len(self.data)

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes."""
        return bytes(self.data[offset : offset + count])

    def write(self, offset: int, content: bytes) -> None:
        """Write at `offset`; a gap reads as zeros."""
        end = offset + len(content)
        if content and end > self.size:
            self.resize(end)
        self.data[offset:end] = content

    def resize(self, size: int) -> None:
        """Cut or extend with zeros."""
        self._quota.take_bytes(size - self.size)
        if size < self.size:
            del self.data[size:]
        else:
            self.data.extend(bytes(size - self.size))

    def acquire(self) -> None:
        """Count a name or a handle that keeps this file alive."""
        self._users += 1

    def release(self) -> None:
        """Drop a name or a handle; the last one gives the bytes back."""
        self._users -= 1
        if self._users == 0:
            self.resize(0)


@dataclass
class Folder:
    """A folder and its path, without a leading slash; only those under /out may change."""

    path: bytes
    writable: bool
    children: dict[bytes, "Node"] = field(default_factory=dict)

    def require_writable(self) -> None:
        """Raise WasiError(ROFS) under /in."""
        if not self.writable:
            raise WasiError(Errno.ROFS)


Node = InputFile | OutputFile | Folder


class Place:
    """Where a path leads: the folder, the last name in it, and what stands there, if anything."""

    def __init__(self, base: Folder, path: bytes) -> None:
        """Walk `path` from `base`; never above it. Raises WasiError."""
        if path.startswith(b"/") or b"\0" in path:
            raise WasiError(Errno.NOTCAPABLE)
        trail = [base]
        self.name = b""
        for part in path.split(b"/"):
            if part in (b"", b"."):
                continue
            if self.name:
                trail.append(_enter(trail[-1], self.name))
                self.name = b""
            if part == b"..":
                _leave(trail)
            else:
                self.name = part
        self.folder = trail[-1]
        self._as_folder = path.endswith(b"/")

    def find(self) -> Node | None:
        """Return what stands here, or None. Raises WasiError(NOTDIR) for "file/"."""
        node = self.folder.children.get(self.name) if self.name else self.folder
        if self._as_folder and node is not None and not isinstance(node, Folder):
            raise WasiError(Errno.NOTDIR)
        return node

    def get(self) -> Node:
        """Return what stands here. Raises WasiError(NOENT)."""
        node = self.find()
        if node is None:
            raise WasiError(Errno.NOENT)
        return node

    def new_path(self) -> bytes:
        """Return the whole path of what shall stand here. Raises WasiError.

        The names allowed are those that a bundle can carry.
        """
        self.folder.require_writable()
        path = self.folder.path + b"/" + self.name
        if not _NAME.fullmatch(self.name):
            raise WasiError(Errno.INVAL)
        if len(path) > _MAX_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        return path

    def put(self, node: Node) -> None:
        """Let `node` stand here. Raises WasiError."""
        self.new_path()
        self.folder.children[self.name] = node


def input_tree(descriptors: dict[str, int]) -> Folder:
    """Return /in with its files: guest path → open host file."""
    root = Folder(b"in", writable=False)
    for path, descriptor in descriptors.items():
        folder = root
        *parents, name = path.encode().split(b"/")
        for parent in parents:
            node = folder.children.setdefault(parent, Folder(folder.path + b"/" + parent, False))
            if not isinstance(node, Folder):
                raise ValueError(f"input {path} lies under another input file")
            folder = node
        folder.children[name] = InputFile(descriptor)
    return root


def output_contents(folder: Folder) -> dict[str, bytearray]:
    """Return every file made under a folder: path → content."""
    contents: dict[str, bytearray] = {}
    for name, node in folder.children.items():
        if isinstance(node, Folder):
            contents |= output_contents(node)
        elif isinstance(node, OutputFile):
            contents[(folder.path + b"/" + name).decode()] = node.data
    return contents


def _enter(folder: Folder, name: bytes) -> Folder:
    node = folder.children.get(name)
    if node is None:
        raise WasiError(Errno.NOENT)
    if not isinstance(node, Folder):
        raise WasiError(Errno.NOTDIR)
    return node


def _leave(trail: list[Folder]) -> None:
    if len(trail) == 1:
        raise WasiError(Errno.NOTCAPABLE)
    trail.pop()
