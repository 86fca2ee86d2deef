"""What a child tries in order to learn whether its layers hold: every act must be refused."""

import mmap
import os
import socket
import sys
from collections.abc import Callable

from worker.executors import layers, linux
from worker.executors.rlimits import Budget
from worker.executors.wire import Message

PROBE_BUDGET = Budget(memory_bytes=1 << 20, file_bytes=1 << 20)

_MEMORY_BOMB = 64 << 30
_MAP_NORESERVE = 0x4000


def attempt(task: Message, files: list[int]) -> Message:
    """Put on `task["layers"]`, then try the forbidden acts.

    `files[0]` is an empty file to write to. The answer maps each act to why it was refused, or
    to None where it succeeded.
    """
    layers.lock(task["layers"], PROBE_BUDGET, new_code=False)
    acts = {**_ACTS, "write too much": lambda: _write_too_much(files[0])}
    return {"refused": {name: _try(act) for name, act in acts.items()}}


def _try(act: Callable[[], object]) -> str | None:
    try:
        act()
    except (OSError, MemoryError) as error:
        return str(error) or type(error).__name__
    return None


def _open_host_file() -> None:
    os.close(os.open(sys.executable, os.O_RDONLY))


def _list_host_folder() -> None:
    os.listdir("/")  # noqa: PTH208 - the plain system call is the point


def _create_file() -> None:
    name = f"/tmp/proofmesh-probe-{os.getpid()}"  # noqa: S108 - meant to fail
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(name)  # noqa: PTH108


def _open_socket() -> None:
    socket.socket().close()


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _execute() -> None:
    try:
        os.execv("", ["nothing"])  # noqa: S606, S607 - meant to fail
    except FileNotFoundError:  # the kernel went as far as to look for it
        return


def _map_new_code() -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def _take_too_much_memory() -> None:
    mmap.mmap(-1, _MEMORY_BOMB, flags=mmap.MAP_PRIVATE | _MAP_NORESERVE).close()


def _gain_privileges() -> None:
    if linux.has_no_new_privileges():
        raise PermissionError("no new privileges")


def _see_host_network() -> None:
    if [name for _, name in socket.if_nameindex()] == ["lo"]:
        raise PermissionError("a network of its own")


def _see_host_accounts() -> None:
    os.stat("/etc/passwd")  # noqa: PTH116 - the plain system call is the point


def _write_too_much(descriptor: int) -> None:
    os.pwrite(descriptor, b"x", PROBE_BUDGET.file_bytes)


_ACTS: dict[str, Callable[[], object]] = {
    "gain privileges": _gain_privileges,
    "open a host file": _open_host_file,
    "list a host folder": _list_host_folder,
    "create a file": _create_file,
    "open a socket": _open_socket,
    "see the host's network": _see_host_network,
    "see the host's accounts": _see_host_accounts,
    "fork": _fork,
    "map new code": _map_new_code,
    "take too much memory": _take_too_much_memory,
    "execute a program": _execute,
}
