"""The processes of a local network: each in a group of its own, none outliving the network."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from worker.cli.devnet.forks import Fork, Forks
from worker.errors import ConfigError
from worker.executors.linux import die_with

_STOP_SECONDS = 15.0


class Processes:
    """Starts, kills and stops child processes; use it as an async context manager."""

    def __init__(self, logs: Path) -> None:
        """Keep each child's output in `logs`, a folder made here."""
        self._logs = logs
        self._forks = Forks(logs / "fork-server.log")
        self._running: dict[str, asyncio.subprocess.Process | Fork] = {}
        logs.mkdir(parents=True, exist_ok=True)

    async def __aenter__(self) -> "Processes":
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop whatever still runs."""
        await self.stop_all()
        await self._forks.close()

    async def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start `command` as `name`, with `env` on top of this process's environment.

        A module of this Python's without an environment of its own is forked, which is quicker.
        """
        if tuple(command[:2]) == (sys.executable, "-m") and not env:
            self._running[name] = await self._forks.start(command[2], command[3:], self.log(name))
            return
        with self.log(name).open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid()),
            )

    def log(self, name: str) -> Path:
        """Return where the output of `name` goes."""
        return self._logs / f"{name}.log"

    def pid(self, name: str) -> int:
        """Return the process id of `name`."""
        return self._running[name].pid

    def is_running(self, name: str) -> bool:
        """Whether `name` was started and has not ended."""
        process = self._running.get(name)
        return process is not None and process.returncode is None

    def require_running(self) -> None:
        """Raise ConfigError when a process has ended by itself, with the last line it wrote."""
        for name, process in self._running.items():
            if process.returncode is not None:
                lines = self.log(name).read_text(errors="replace").strip().splitlines()
                last = lines[-1] if lines else "no output"
                raise ConfigError(f"{name} ended with code {process.returncode}: {last}")

    async def kill(self, name: str) -> None:
        """End `name` and its children at once, as a power cut would."""
        process = self._running.pop(name)
        _signal(process, signal.SIGKILL)
        await process.wait()

    async def wait(self, name: str) -> int:
        """Wait until `name` ends and return its exit code."""
        return await self._running[name].wait()

    async def stop(self, name: str, within: float = _STOP_SECONDS) -> int:
        """Ask `name` to end and return its exit code; it is killed after `within` seconds."""
        process = self._running.pop(name)
        _signal(process, signal.SIGTERM)
        try:
            return await asyncio.wait_for(process.wait(), within)
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            return await process.wait()

    async def stop_all(self) -> None:
        """Stop everything, all at the same time."""
        await asyncio.gather(*(self.stop(name) for name in list(self._running)))


def _signal(process: asyncio.subprocess.Process | Fork, number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
