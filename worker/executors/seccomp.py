"""A seccomp filter that lets through what a computation needs and nothing else.

No opening of anything, no sockets, no new processes or threads, no signals to others by design of
the list; a refused call fails with EPERM, so that the language runtimes go on.
"""

import ctypes
import errno
import mmap
import platform
import struct

from worker.executors.linux import prctl

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_RET_KILL_PROCESS = 0x80000000
_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15
_JUMP_AT_LEAST = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06

_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_OFFSET_PROTECTION = 32  # low half of the third argument, of mmap and mprotect alike

_X32_FIRST = 0x40000000  # x86-64 numbers from here on belong to the x32 ABI

_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name -> (x86_64, aarch64)
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvmsg": (47, 212),
    "exit": (60, 93),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
}
_MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}
_CLONE3 = 435  # on every architecture


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(*, new_code: bool) -> None:
    """Install the filter; no-new-privileges must be set. `new_code` allows executable mappings.

    Raises OSError where the kernel refuses, or this architecture's numbers are unknown here.
    """
    code = _build(platform.machine(), new_code)
    program = _Program(len(code) // 8, code)
    prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program))


def _build(machine: str, new_code: bool) -> bytes:
    if machine not in _ARCHES:
        raise OSError(errno.ENOSYS, f"no system call table for {machine}")
    column = list(_ARCHES).index(machine)
    allowed = [numbers[column] for numbers in _ALLOWED.values()]
    mapping = [numbers[column] for numbers in _MAPPING.values()]
    lines = [
        _step(_LOAD, _OFFSET_ARCH),
        _step(_JUMP_EQUAL, _ARCHES[machine], then=1),
        _step(_RETURN, _RET_KILL_PROCESS),
        _step(_LOAD, _OFFSET_NUMBER),
        *_answer(_JUMP_AT_LEAST, _X32_FIRST, _RET_ERRNO | errno.EPERM),
        # libc falls back to clone on ENOSYS; on EPERM the native runtime aborts
        *_answer(_JUMP_EQUAL, _CLONE3, _RET_ERRNO | errno.ENOSYS),
    ]
    for number in allowed:
        lines += _answer(_JUMP_EQUAL, number, _RET_ALLOW)
    for number in mapping:
        lines += _mapping(number, new_code)
    return b"".join([*lines, _step(_RETURN, _RET_ERRNO | errno.EPERM)])


def _mapping(number: int, new_code: bool) -> list[bytes]:
    if new_code:
        return _answer(_JUMP_EQUAL, number, _RET_ALLOW)
    return [
        _step(_JUMP_EQUAL, number, otherwise=4),
        _step(_LOAD, _OFFSET_PROTECTION),
        _step(_JUMP_ANY_BIT, mmap.PROT_EXEC, otherwise=1),
        _step(_RETURN, _RET_ERRNO | errno.EPERM),
        _step(_RETURN, _RET_ALLOW),
    ]


def _answer(test: int, value: int, answer: int) -> list[bytes]:
    return [_step(test, value, otherwise=1), _step(_RETURN, answer)]


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
