"""The few calls of the Linux kernel that Python's library lacks."""

import ctypes
import os
import platform
import signal
import sys

from worker.errors import ConfigError

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39

_libc = ctypes.CDLL(None, use_errno=True)


def require_linux() -> None:
    """Raise ConfigError on any other system: the sandbox is made of Linux's parts."""
    if not sys.platform.startswith("linux"):
        raise ConfigError(f"jobs run in a Linux sandbox; this system is {platform.system()}")


def syscall(number: int, *arguments: object) -> int:
    """Make a system call. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments))


def prctl(option: int, *arguments: object) -> int:
    """Call prctl with up to four arguments, zero where left out. Raises OSError."""
    padded = (*arguments, *(ctypes.c_ulong(0) for _ in range(4 - len(arguments))))
    return _checked(_libc.prctl(ctypes.c_int(option), *padded))


def set_no_new_privileges() -> None:
    """Give up setuid and file capabilities for good. Raises OSError."""
    prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))


def has_no_new_privileges() -> bool:
    """Tell whether privileges were given up."""
    return prctl(_PR_GET_NO_NEW_PRIVS) == 1


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which forked it, ends."""
    prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the kernel knew our wish
        os._exit(1)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
