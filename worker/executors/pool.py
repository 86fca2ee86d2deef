"""The parent's side of the zygote: sends tasks, waits for answers, kills at the deadline."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from worker.errors import ExecutionFailedError, InvalidProgramError
from worker.executors import linux, rlimits
from worker.executors.wire import (
    MAX_REPLY_BYTES,
    Message,
    decode_reply,
    malformed,
    open_pair,
    send_task,
)

SOURCE_ROOT = Path(__file__).resolve().parents[2]

_KILL_SECONDS = 5.0
_LONGEST_WORDS = 500
_REASON = re.compile(r"[a-z_]{1,40}")
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from worker.executors.zygote import main; main()"
)

Wrap = Callable[[list[str]], list[str]]


class Pool:
    """Runs tasks, each in a fresh child of one warm zygote; as many at once as are submitted."""

    def __init__(self, wrap: Wrap = lambda command: command) -> None:
        """Start the zygote; `wrap` turns its command line into one that runs it confined.

        Raises ConfigError on a system where jobs cannot run.
        """
        linux.require_linux()
        rlimits.require_stack()
        self._wrap = wrap
        self._start()

    def _start(self) -> None:
        self._control, theirs = open_pair()
        path = json.dumps([str(SOURCE_ROOT), *sys.path[1:]])
        command = self._wrap([sys.executable, "-I", "-c", _START, path])
        with theirs:
            self._zygote = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env={}, cwd="/"
            )

    async def submit(self, task: Message, files: Sequence[int], seconds: float) -> Message:
        """Return the child's answer; the child is dead when this returns or is cancelled.

        Raises InvalidProgramError, or ExecutionFailedError with the reasons "time" (deadline),
        "killed" (by a signal not ours), "crash", or what the child said.
        """
        with self._connect() as connection:
            connection.setblocking(False)
            replies: list[bytes] = []
            try:
                send_task(connection, task, files)
                async with asyncio.timeout(seconds):
                    await _read_all(connection, replies)
            except TimeoutError:
                await self._kill(connection)
                raise ExecutionFailedError("time", f"killed after {seconds:g} s") from None
            except BrokenPipeError as error:
                raise ExecutionFailedError("killed", "the zygote died") from error
        return read_replies(replies)

    async def close(self) -> None:
        """Stop the zygote and every child."""
        self._control.close()
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                await asyncio.to_thread(self._zygote.wait)
        except TimeoutError:
            self._zygote.kill()
            self._zygote.wait()

    def _connect(self) -> socket.socket:
        """Return a new connection to a child, with a new zygote should the old one have died."""
        ours, theirs = open_pair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"j"], [theirs.fileno()])
            except ConnectionError:
                self._control.close()
                self._zygote.wait()
                self._start()
                socket.send_fds(self._control, [b"j"], [theirs.fileno()])
        return ours

    async def _kill(self, connection: socket.socket) -> None:
        """Hang up and wait until the zygote has reaped the child; a stuck zygote dies instead."""
        connection.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(_KILL_SECONDS):
                await _read_all(connection, [])
        except TimeoutError:
            self._zygote.kill()


async def _read_all(connection: socket.socket, replies: list[bytes]) -> None:
    """Keep the first reply, the child's, and the last, the zygote's: others are nobody's."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            data = await loop.sock_recv(connection, MAX_REPLY_BYTES)
        except ConnectionResetError:  # the task was not read; told once, before what was sent
            continue
        if not data:
            return
        replies.append(data)
        del replies[1:-1]


def read_replies(replies: Sequence[bytes]) -> Message:
    """Return what a child and then its zygote said. Raises as `Pool.submit`."""
    merged: Message = {}
    for reply in replies:
        merged |= decode_reply(reply)
    if "invalid" in merged:
        raise InvalidProgramError(str(merged["invalid"])[:_LONGEST_WORDS])
    if "failed" in merged:
        reason = str(merged["failed"])
        if not _REASON.fullmatch(reason):
            raise malformed("a failure without a reason")
        raise ExecutionFailedError(reason, str(merged.get("detail", ""))[:_LONGEST_WORDS])
    ended = merged.pop("ended", None)
    if type(ended) is not int or ended < 0:
        how = f"by signal {-ended}" if type(ended) is int else "the zygote died"
        raise ExecutionFailedError("killed", how)
    if ended or len(merged) < 2:  # more than the time it took
        raise ExecutionFailedError("crash", f"the child ended with status {ended}")
    return merged
