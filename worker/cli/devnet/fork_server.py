"""A process that has the worker imported and forks its likes, which then need no second to start.

    python -m worker.cli.devnet.fork_server

It reads lines [log, module, argument, …] of JSON, each for a child that runs `python -m module …`,
and writes [pid] for a child that has started and [pid, code] for one that has ended, its signal as
a negative code. When its input ends it kills its children and ends.
"""

import gc
import json
import os
import runpy
import select
import signal
import sys
from typing import BinaryIO

import worker.app  # noqa: F401  this is what takes long
from worker.executors.linux import die_with


def serve(orders: BinaryIO) -> None:
    """Follow orders until there are no more. In a child this returns when the child's work ends."""
    events = select.poll()
    events.register(orders, select.POLLIN)
    children: dict[int, int] = {}  # by the descriptor that tells of the child's end
    is_open = True
    while is_open or children:
        for descriptor, _ in events.poll():
            if descriptor in children:
                events.unregister(descriptor)
                os.close(descriptor)
                pid, status = os.waitpid(children.pop(descriptor), 0)
                _tell(pid, os.waitstatus_to_exitcode(status))
            elif line := orders.readline():
                pid = _fork()
                if pid == 0:
                    for other in children:
                        os.close(other)
                    return _become(*json.loads(line))
                _tell(pid)
                ending = os.pidfd_open(pid)
                children[ending] = pid
                events.register(ending, select.POLLIN)
            else:
                is_open = False
                events.unregister(descriptor)
                for pid in children.values():
                    os.killpg(pid, signal.SIGKILL)


def _fork() -> int:
    """Fork a child with a session of its own: its group can be killed once this returns, and where
    the kernel shares processors out by session, it has a whole share as a machine's worker has."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
    os.close(theirs)
    if pid != 0:
        os.read(ours, 1)  # ends when the child has closed its side
    os.close(ours)
    return pid


def _tell(*numbers: int) -> None:
    os.write(sys.stdout.fileno(), json.dumps(numbers).encode() + b"\n")


def _become(log: str, module: str, *arguments: str) -> None:
    """Turn this child into what `python -m module` would have been."""
    die_with(os.getppid())
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for descriptor, taken in enumerate((null, output, output)):
        os.dup2(taken, descriptor)
    os.close(null)
    os.close(output)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # so that collections in children leave shared memory alone
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        serve(stdin)
