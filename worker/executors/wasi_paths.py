"""The WASI calls on paths, over the guest's own small tree."""

from worker.executors.descriptors import APPEND, Descriptors, Handle
from worker.executors.errno import Errno, WasiError
from worker.executors.files import Folder, InputFile, Node, OutputFile, Place, Quota
from worker.executors.guest import Guest, signature

_CREATE, _DIRECTORY, _EXCLUSIVE, _TRUNCATE = 1, 2, 4, 8
_RIGHT_WRITE = 1 << 6


class PathCalls:
    """Calls of wasi_snapshot_preview1 on names under /in and /out."""

    def __init__(self, guest: Guest, quota: Quota, table: Descriptors) -> None:
        self._guest = guest
        self._quota = quota
        self._table = table

    @signature("iiiiiIIii")
    def path_open(
        self,
        fd: int,
        lookup: int,
        path: int,
        length: int,
        how: int,
        rights: int,
        inheriting: int,
        flags: int,
        result: int,
    ) -> None:
        """Open or make a file, or open a folder."""
        place = self._table.place(fd, path, length)
        self._table.require_room()
        writable = bool(rights & _RIGHT_WRITE)
        node = self._open(place, how, writable)
        handle = Handle(node, writable=writable, append=bool(flags & APPEND))
        self._guest.put_u32(result, self._table.add(handle))

    def _open(self, place: Place, how: int, writable: bool) -> Node:
        node = place.find()
        if node is None and how & _CREATE and not how & _DIRECTORY:
            return self._create(place)
        if node is None:
            raise WasiError(Errno.NOENT)
        if how & _CREATE and how & _EXCLUSIVE:
            raise WasiError(Errno.EXIST)
        if how & _DIRECTORY and not isinstance(node, Folder):
            raise WasiError(Errno.NOTDIR)
        if isinstance(node, Folder) and (how & _TRUNCATE or writable):
            raise WasiError(Errno.ISDIR)
        if isinstance(node, InputFile) and (writable or how & _TRUNCATE):
            raise WasiError(Errno.ROFS)
        if isinstance(node, OutputFile) and how & _TRUNCATE:
            node.resize(0)
        return node

    def _create(self, place: Place) -> OutputFile:
        place.new_path()
        self._quota.take_entries(1)
        node = OutputFile(self._quota)
        node.acquire()
        place.put(node)
        return node

    @signature("iiiii")
    def path_filestat_get(self, fd: int, lookup: int, path: int, length: int, result: int) -> None:
        """Tell type and size."""
        self._table.put_stat(result, self._table.place(fd, path, length).get())

    @signature("iiiiIIi")
    def path_filestat_set_times(
        self, fd: int, lookup: int, path: int, length: int, accessed: int, modified: int, flags: int
    ) -> None:
        """Accept: files have no times."""
        self._table.place(fd, path, length).get()

    @signature("iii")
    def path_create_directory(self, fd: int, path: int, length: int) -> None:
        """Make a folder; it counts as one of the terms' output files."""
        place = self._table.place(fd, path, length)
        if place.find() is not None:
            raise WasiError(Errno.EXIST)
        folder = Folder(place.new_path(), writable=True)
        self._quota.take_entries(1)
        place.put(folder)

    @signature("iii")
    def path_remove_directory(self, fd: int, path: int, length: int) -> None:
        """Remove an empty folder."""
        place = self._table.place(fd, path, length)
        node = place.get()
        if not isinstance(node, Folder):
            raise WasiError(Errno.NOTDIR)
        place.new_path()
        if node.children:
            raise WasiError(Errno.NOTEMPTY)
        self._remove(place)

    @signature("iii")
    def path_unlink_file(self, fd: int, path: int, length: int) -> None:
        """Remove a file; who has it open may go on."""
        place = self._table.place(fd, path, length)
        node = place.get()
        if isinstance(node, Folder):
            raise WasiError(Errno.ISDIR)
        place.new_path()
        self._remove(place)

    @signature("iiiiii")
    def path_rename(
        self, fd: int, path: int, length: int, to_fd: int, to_path: int, to_length: int
    ) -> None:
        """Move a file, over another if one is there. Folders cannot be moved."""
        place = self._table.place(fd, path, length)
        target = self._table.place(to_fd, to_path, to_length)
        node, replaced = place.get(), target.find()
        place.folder.require_writable()
        target.new_path()
        if isinstance(node, Folder):
            raise WasiError(Errno.NOTSUP)
        if isinstance(replaced, Folder):
            raise WasiError(Errno.ISDIR)
        if node is replaced:
            return
        if replaced is not None:
            self._remove(target)
        del place.folder.children[place.name]
        target.put(node)

    @signature("iiiiiii")
    def path_link(self, *arguments: int) -> Errno:
        """Refuse: there are no links."""
        return Errno.NOTSUP

    @signature("iiiii")
    def path_symlink(self, *arguments: int) -> Errno:
        """Refuse: there are no links."""
        return Errno.NOTSUP

    @signature("iiiiii")
    def path_readlink(self, *arguments: int) -> Errno:
        """Say that nothing is a link."""
        return Errno.INVAL

    def _remove(self, place: Place) -> None:
        node = place.folder.children.pop(place.name)
        self._quota.take_entries(-1)
        if isinstance(node, OutputFile):
            node.release()
