"""Child processes that start at once, from a fork server of the local network's own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from worker.errors import ConfigError
from worker.executors.linux import die_with


class Fork:
    """A child of the fork server, with what is needed of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """The exit code, a signal's negative number, None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for the exit code."""
        return await asyncio.shield(self._ended)

    def end(self, code: int) -> None:
        """Take notice that it has ended."""
        self._ended.set_result(code)


class Forks:
    """Starts children by `worker.cli.devnet.fork_server`, which it starts with the first."""

    def __init__(self, log: Path) -> None:
        """Keep what the server itself has to say in `log`."""
        self._log = log
        self._lock = asyncio.Lock()
        self._orders: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._children: dict[int, Fork] = {}
        self._started: asyncio.Queue[Fork | None] = asyncio.Queue()

    async def start(self, module: str, arguments: Sequence[str], log: Path) -> Fork:
        """Run `python -m module`, its output at the end of `log`. Raises ConfigError."""
        async with self._lock:
            orders = self._orders or await self._start_server()
            orders.write(json.dumps([str(log), module, *arguments]).encode() + b"\n")
            child = await self._started.get()
        if child is None:
            raise ConfigError(f"the fork server has ended: see {self._log}")
        return child

    async def close(self) -> None:
        """End the server; whatever still runs is killed."""
        if self._orders is not None and self._listener is not None:
            self._orders.close()
            await self._listener
            self._orders = None

    async def _start_server(self) -> asyncio.StreamWriter:
        with self._log.open("ab") as log:
            server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "worker.cli.devnet.fork_server"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid()),
            )
        if server.stdin is None or server.stdout is None:
            raise ConfigError("the fork server has no pipes")
        self._orders = server.stdin
        self._listener = asyncio.create_task(self._listen(server, server.stdout))
        return server.stdin

    async def _listen(self, server: asyncio.subprocess.Process, told: asyncio.StreamReader) -> None:
        async for line in told:
            pid, *code = json.loads(line)
            if code:
                self._children.pop(pid).end(*code)
            else:
                self._children[pid] = Fork(pid)
                self._started.put_nowait(self._children[pid])
        await server.wait()
        for child in self._children.values():
            child.end(-signal.SIGKILL)
        self._children.clear()
        self._started.put_nowait(None)
