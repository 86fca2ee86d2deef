"""The process that all jobs are forked from: it imports, it never compiles or runs a module.

A process that ran WASM has native threads and its forks hang; this one stays single-threaded, so
that a fork with everything imported costs a few milliseconds. Its standard input is a socket on
which the worker sends one end of a connection for every job. It leaves when the worker does, and
the kernel kills its children with it.
"""

import gc
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass

from worker.executors import child, linux
from worker.executors.wire import encode_reply

_CONTROL = 0


@dataclass(frozen=True)
class _Job:
    pid: int
    ended: int  # a pidfd, readable when the child has ended
    connection: socket.socket


class Zygote:
    """Forks a child for each connection, kills it when the worker hangs up, reports its end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._jobs: dict[int, _Job] = {}  # by both of its descriptors

    def serve(self) -> None:
        """Work until the worker closes the control socket."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._control.fileno():
                    if not self._accept():
                        return
                elif descriptor in self._jobs:
                    self._attend(self._jobs[descriptor], descriptor)

    def _accept(self) -> bool:
        mark, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not mark:
            return False
        if descriptors:  # none when this process has too many open files: the worker sees an end
            self._fork(socket.socket(fileno=descriptors[0]))
        return True

    def _fork(self, connection: socket.socket) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(parent, connection)
        job = _Job(pid, os.pidfd_open(pid), connection)
        self._jobs[job.ended] = self._jobs[connection.fileno()] = job
        self._poll.register(job.ended, select.POLLIN)
        self._poll.register(connection, select.POLLRDHUP)

    def _become_child(self, parent: int, connection: socket.socket) -> None:
        """Never returns."""
        status = 1
        try:
            linux.die_with(parent)
            self._control.close()
            for descriptor in self._jobs:
                os.close(descriptor)
            child.serve(connection)
            status = 0
        finally:
            os._exit(status)

    def _attend(self, job: _Job, descriptor: int) -> None:
        if descriptor == job.ended:
            self._reap(job)
        else:
            os.kill(job.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
            self._poll.unregister(job.connection)

    def _reap(self, job: _Job) -> None:
        _, status, usage = os.wait4(job.pid, 0)
        ended = os.waitstatus_to_exitcode(status)
        cpu_seconds = usage.ru_utime + usage.ru_stime
        del self._jobs[job.ended], self._jobs[job.connection.fileno()]
        self._poll.unregister(job.ended)
        os.close(job.ended)
        self._forget(job.connection)
        with job.connection:
            try:
                job.connection.send(encode_reply({"ended": ended, "cpu_seconds": cpu_seconds}))
            except OSError:  # the worker hung up; nobody wants to know
                return

    def _forget(self, connection: socket.socket) -> None:
        try:
            self._poll.unregister(connection)
        except KeyError:  # hung up before
            return


def main() -> None:
    """Serve on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then stops us
    sys.stdout = sys.stderr
    gc.collect()
    gc.freeze()
    Zygote(socket.socket(fileno=os.dup(_CONTROL))).serve()


if __name__ == "__main__":
    main()
