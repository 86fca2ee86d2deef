"""The WASI calls on open descriptors."""

import struct

from worker.executors.descriptors import APPEND, Descriptors, Stream, type_of
from worker.executors.errno import Errno, WasiError
from worker.executors.files import Folder, Node
from worker.executors.guest import Guest, signature

_MAX_VECTORS = 1024
_MAX_TRANSFER = 1 << 20
"""Bytes one call moves at most; libraries go on after a short read or write."""

_ALL_RIGHTS = (1 << 30) - 1
_FROM_START, _FROM_HERE, _FROM_END = 0, 1, 2
_MAX_OFFSET = 1 << 62
_ENTRY_FUEL = 200


class DescriptorCalls:
    """Calls of wasi_snapshot_preview1 on what is open."""

    def __init__(self, guest: Guest, table: Descriptors) -> None:
        self._guest = guest
        self._table = table

    @signature("i")
    def fd_close(self, fd: int) -> None:
        """Close a descriptor."""
        self._table.close(fd)

    @signature("ii")
    def fd_renumber(self, fd: int, to: int) -> None:
        """Move a descriptor over another open one."""
        self._table.renumber(fd, to)

    @signature("ii")
    def fd_prestat_get(self, fd: int, result: int) -> None:
        """Tell that a descriptor is /in or /out, and its name's length."""
        self._guest.write(result, struct.pack("<II", 0, len(self._table.preopened(fd))))

    @signature("iii")
    def fd_prestat_dir_name(self, fd: int, buffer: int, size: int) -> None:
        """Write "/in" or "/out"."""
        name = self._table.preopened(fd)
        if size < len(name):
            raise WasiError(Errno.NAMETOOLONG)
        self._guest.write(buffer, name)

    @signature("ii")
    def fd_fdstat_get(self, fd: int, result: int) -> None:
        """Tell a descriptor's type and flags."""
        handle = self._table.get(fd)
        encoded = struct.pack(
            "<BxH4xQQ", type_of(handle.node), int(handle.append), _ALL_RIGHTS, _ALL_RIGHTS
        )
        self._guest.write(result, encoded)

    @signature("ii")
    def fd_fdstat_set_flags(self, fd: int, flags: int) -> None:
        """Turn append on or off; other flags mean nothing here."""
        self._table.get(fd).append = bool(flags & APPEND)

    @signature("iII")
    def fd_fdstat_set_rights(self, fd: int, base: int, inheriting: int) -> None:
        """Accept: rights are not used."""
        self._table.get(fd)

    @signature("ii")
    def fd_filestat_get(self, fd: int, result: int) -> None:
        """Tell type and size."""
        self._table.put_stat(result, self._table.get(fd).node)

    @signature("iI")
    def fd_filestat_set_size(self, fd: int, size: int) -> None:
        """Cut or extend a file."""
        self._table.output(fd).resize(size)

    @signature("iIIi")
    def fd_filestat_set_times(self, fd: int, accessed: int, modified: int, flags: int) -> None:
        """Accept: files have no times."""
        self._table.get(fd)

    @signature("iII")
    def fd_allocate(self, fd: int, offset: int, length: int) -> None:
        """Extend a file to hold offset + length bytes."""
        node = self._table.output(fd)
        node.resize(max(node.size, offset + length))

    @signature("iIIi")
    def fd_advise(self, fd: int, offset: int, length: int, advice: int) -> None:
        """Accept: advice changes nothing."""
        self._table.get(fd)

    @signature("i")
    def fd_sync(self, fd: int) -> None:
        """Accept: all is in memory."""
        self._table.get(fd)

    @signature("i")
    def fd_datasync(self, fd: int) -> None:
        """Accept: all is in memory."""
        self._table.get(fd)

    @signature("iiii")
    def fd_read(self, fd: int, vectors: int, count: int, result: int) -> None:
        """Read at the descriptor's place and move it on."""
        handle = self._table.get(fd)
        handle.offset += self._read(handle.node, handle.offset, vectors, count, result)

    @signature("iiiIi")
    def fd_pread(self, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Read at an offset."""
        node = self._table.get(fd).node
        if isinstance(node, Stream):
            raise WasiError(Errno.SPIPE)
        self._read(node, offset, vectors, count, result)

    @signature("iiii")
    def fd_write(self, fd: int, vectors: int, count: int, result: int) -> None:
        """Write at the descriptor's place, or at the end, and move it on."""
        handle = self._table.get(fd)
        content = self._gather(vectors, count)
        if isinstance(handle.node, Stream):
            handle.node.write(content)
        else:
            node = self._table.output(fd)
            if handle.append:
                handle.offset = node.size
            node.write(handle.offset, content)
            handle.offset += len(content)
        self._guest.put_u32(result, len(content))

    @signature("iiiIi")
    def fd_pwrite(self, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Write at an offset."""
        if isinstance(self._table.get(fd).node, Stream):
            raise WasiError(Errno.SPIPE)
        content = self._gather(vectors, count)
        self._table.output(fd).write(offset, content)
        self._guest.put_u32(result, len(content))

    @signature("iIii")
    def fd_seek(self, fd: int, delta: int, whence: int, result: int) -> None:
        """Move a descriptor's place."""
        handle = self._table.get(fd)
        if isinstance(handle.node, Stream):
            raise WasiError(Errno.SPIPE)
        if isinstance(handle.node, Folder):
            raise WasiError(Errno.ISDIR)
        starts = {_FROM_START: 0, _FROM_HERE: handle.offset, _FROM_END: handle.node.size}
        signed = delta - (1 << 64) if delta >> 63 else delta
        offset = starts.get(whence, -_MAX_OFFSET) + signed
        if not 0 <= offset < _MAX_OFFSET:
            raise WasiError(Errno.INVAL)
        handle.offset = offset
        self._guest.put_u64(result, offset)

    @signature("ii")
    def fd_tell(self, fd: int, result: int) -> None:
        """Tell a descriptor's place."""
        self.fd_seek(fd, 0, _FROM_HERE, result)

    @signature("iiiIi")
    def fd_readdir(self, fd: int, buffer: int, size: int, cookie: int, result: int) -> None:
        """List a folder, sorted by name, from entry number `cookie` on."""
        folder = self._table.folder(fd)
        self._guest.burn(_ENTRY_FUEL * len(folder.children))
        names = sorted(folder.children)
        entries = [(b".", type_of(folder)), (b"..", type_of(folder))]
        entries += [(name, type_of(folder.children[name])) for name in names]
        listed = b""
        for number, (name, kind) in enumerate(entries[cookie:], cookie + 1):
            # inode 1 for all: 0 would mean a deleted entry to some libraries
            listed += struct.pack("<QQIB3x", number, 1, len(name), kind) + name
            if len(listed) >= size:
                break
        self._guest.write(buffer, listed[:size])
        self._guest.put_u32(result, min(len(listed), size))

    def _read(self, node: Node | Stream, offset: int, vectors: int, count: int, result: int) -> int:
        if isinstance(node, Folder):
            raise WasiError(Errno.ISDIR)
        total = 0
        for address, length in self._vectors(vectors, count):
            content = b"" if isinstance(node, Stream) else node.read(offset + total, length)
            self._guest.write(address, content)
            total += len(content)
            if len(content) < length:
                break
        self._guest.put_u32(result, total)
        return total

    def _gather(self, vectors: int, count: int) -> bytes:
        pairs = self._vectors(vectors, count)
        return b"".join(self._guest.read(address, length) for address, length in pairs)

    def _vectors(self, vectors: int, count: int) -> list[tuple[int, int]]:
        """Return (address, length) pairs, cut so that they sum up to what one call may move."""
        if count > _MAX_VECTORS:
            raise WasiError(Errno.INVAL)
        left = _MAX_TRANSFER
        pairs = []
        for address, length in struct.iter_unpack("<II", self._guest.read(vectors, 8 * count)):
            pairs.append((address, min(length, left)))
            left -= min(length, left)
        return pairs
