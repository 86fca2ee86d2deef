"""A local chain: anvil as a child process that never outlives its parent's wish."""

import asyncio
import contextlib
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from worker.errors import ConfigError

CHAIN_ID = 31337
_START_SECONDS = 20.0


@dataclass
class Anvil:
    """A running anvil with one block a second."""

    url: str
    process: asyncio.subprocess.Process

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
    for program in sorted(root.glob("node_modules/@foundry-rs/anvil-*/bin/anvil")):
        return program
    raise ConfigError("no anvil found: run `make setup`, or put anvil on PATH")


async def start_anvil(root: Path, log: Path, port: int | None = None) -> Anvil:
    """Start a chain on loopback and wait until it answers. Raises ConfigError."""
    chosen = port or free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(find_anvil(root)),
            *("--host", "127.0.0.1", "--port", str(chosen), "--chain-id", str(CHAIN_ID)),
            *("--block-time", "1", "--accounts", "20", "--hardfork", "cancun"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
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
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while anvil.process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(anvil.url, json=request) as answer:
                    if (await answer.json()).get("result") == hex(CHAIN_ID):
                        return
            await asyncio.sleep(0.05)
    raise ConfigError("anvil ended")


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
