"""WASI's error numbers, those that our calls answer with."""

from enum import IntEnum


class Errno(IntEnum):
    """Numbers of wasi_snapshot_preview1."""

    SUCCESS = 0
    BADF = 8
    EXIST = 20
    FAULT = 21
    INVAL = 28
    ISDIR = 31
    MFILE = 33
    NAMETOOLONG = 37
    NOENT = 44
    NOTDIR = 54
    NOTEMPTY = 55
    NOTSUP = 58
    ROFS = 69
    SPIPE = 70
    NOTCAPABLE = 76


class WasiError(Exception):
    """A call that fails with an error number; the guest goes on."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno.name)
        self.errno = errno
