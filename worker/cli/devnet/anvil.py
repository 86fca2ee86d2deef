"""A local chain: anvil as a child process that never outlives its parent's wish."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from worker.errors import ConfigError, RpcError
from worker.executors.linux import die_with

CHAIN_ID = 31337
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
_marks: list[socket.socket] = []
"""Of the ports that this process was given: they end with it."""
_START_SECONDS = 20.0


@dataclass
class Anvil:
    """A running anvil. It mines a block for each transaction until told to keep time."""

    url: str
    process: asyncio.subprocess.Process

    async def ask(self, method: str, *params: Any) -> Any:
        """Return the chain's answer, for what only a local chain allows. Raises RpcError."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, json=request) as response,
            ):
                answer = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise RpcError(f"anvil at {self.url}: {error}") from error
        if "error" in answer:
            raise RpcError(f"anvil at {self.url}: {answer['error'].get('message')}")
        return answer["result"]

    async def keep_time(self, seconds: int = 1) -> None:
        """Mine a block every `seconds` from now on, as a network does."""
        await self.ask("evm_setAutomine", False)
        await self.ask("evm_setIntervalMining", seconds)

    async def stop_time(self) -> None:
        """Mine a block for each transaction again, and none beside."""
        await self.ask("evm_setIntervalMining", 0)
        await self.ask("evm_setAutomine", True)

    async def skip(self, seconds: int) -> None:
        """Let the chain's time jump."""
        await self.ask("evm_increaseTime", hex(seconds))
        await self.ask("evm_mine")

    async def dump(self) -> str:
        """Return the chain's blocks and state, for `load`."""
        return str(await self.ask("anvil_dumpState"))

    async def load(self, state: str) -> None:
        """Become the chain that `dump` returned, and go on from its head in the present."""
        await self.ask("anvil_loadState", state)
        head = await self.ask("eth_getBlockByNumber", "latest", False)
        # A chain whose time has jumped is ahead of the clock, and would go back to it. One that
        # was kept for long is behind: what is signed now would end before the next block.
        ahead = int(head["timestamp"], 16) - int(time.time())
        await self.skip(max(0, ahead + 1))

    async def stop(self) -> None:
        """End the process and wait for it."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
        await self.process.wait()


def find_anvil(root: Path) -> Path:
    """Return the program on PATH, else the one that `make setup` put under `root`.

    The npm package's own launcher is passed over: ending it would leave anvil running.
    """
    if on_path := shutil.which("anvil"):
        return Path(on_path)
    installed = root / "node_modules" / ".native" / "anvil"
    if installed.exists():
        return installed
    raise ConfigError("no anvil found: run `make setup`, or put anvil on PATH")


async def start_anvil(root: Path, log: Path, port: int | None = None) -> Anvil:
    """Start a chain on loopback and wait until it answers. Raises ConfigError."""
    chosen = port or free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(find_anvil(root)),
            *("--host", "127.0.0.1", "--port", str(chosen), "--chain-id", str(CHAIN_ID)),
            *("--accounts", "64", "--hardfork", "cancun"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid()),
        )
    anvil = Anvil(f"http://127.0.0.1:{chosen}", process)
    try:
        await asyncio.wait_for(_answering(anvil), _START_SECONDS)
    except (TimeoutError, ConfigError):
        await anvil.stop()
        raise ConfigError(f"anvil did not start on port {chosen}: see {log}") from None
    except BaseException:
        await anvil.stop()
        raise
    return anvil


async def _answering(anvil: Anvil) -> None:
    while anvil.process.returncode is None:
        with contextlib.suppress(RpcError):
            if await anvil.ask("eth_chainId") == hex(CHAIN_ID):
                return
        await asyncio.sleep(0.05)
    raise ConfigError("anvil ended")


def free_port() -> int:
    """Return a port of loopback that nothing listens on, below those that systems give out
    unasked: a connection made meanwhile cannot take it. No other process that asks here is given
    the same while this one lives, even while nothing listens yet, or not again."""
    while True:
        port = secrets.randbelow(_LAST_PORT - _FIRST_PORT) + _FIRST_PORT
        mark = socket.socket(type=socket.SOCK_DGRAM)  # ports of UDP are others: they serve as marks
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            mark.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _marks.append(mark)
        return port
