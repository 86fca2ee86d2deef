"""Landlock: the process can open no file, folder, TCP port or abstract socket any more.

What was opened before stays usable; that is how a job gets its inputs.
"""

import ctypes
import os

from worker.executors.linux import syscall

_CREATE_RULESET = 444  # the same numbers on every architecture
_RESTRICT_SELF = 446
_VERSION_FLAG = 1

_FILESYSTEM_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # ABI that brought them -> how many bits
_NETWORK_ABI = 4
_NETWORK_RIGHTS = 0b11  # bind and connect, TCP
_SCOPE_ABI = 6
_SCOPES = 0b11  # abstract unix sockets and signals that leave this process


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("filesystem", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


def restrict() -> None:
    """Deny all that this kernel's Landlock knows; no-new-privileges must be set.

    Raises OSError where the kernel has no Landlock, or has it off.
    """
    abi = syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    bits = max(count for since, count in _FILESYSTEM_RIGHTS.items() if since <= abi)
    ruleset = _Ruleset(filesystem=(1 << bits) - 1)
    size = _Ruleset.network.offset
    if abi >= _NETWORK_ABI:
        ruleset.network = _NETWORK_RIGHTS
        size = _Ruleset.scopes.offset
    if abi >= _SCOPE_ABI:
        ruleset.scopes = _SCOPES
        size = ctypes.sizeof(_Ruleset)
    handle = syscall(
        _CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        syscall(_RESTRICT_SELF, ctypes.c_int(handle), ctypes.c_uint32(0))
    finally:
        os.close(handle)
