"""A real worker process on a crowded chain: how far behind it is, what memory it takes."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import tomlkit
from _crowd import Crowd

from worker.cli.devnet.anvil import free_port
from worker.cli.devnet.processes import Processes

NAME = "worker"
OPERATOR, ACCOUNT = 1, 2  # the bench chain's own operator, and its account
POLL_SECONDS = 0.25
SEATS = 4  # few: then it holds what it may, and follows the rest
SAMPLE_SECONDS = 0.2
_SCANNED = re.compile(r"^worker_scanned_block (\S+)$", re.MULTILINE)
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """A look at the worker: seconds since the first look, blocks behind the head, resident bytes,
    processor seconds so far, and how long its admin listener took to answer."""

    at: float
    lag: int
    memory: int
    cpu: float
    answer_seconds: float


@dataclass
class Follower:
    """A running worker and where it answers."""

    processes: Processes
    crowd: Crowd
    admin_port: int
    public_port: int
    folder: Path

    @property
    def admin_url(self) -> str:
        """Where its admin listener answers."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def public_url(self) -> str:
        """Where its public listener answers."""
        return f"http://127.0.0.1:{self.public_port}"

    async def look(self, session: aiohttp.ClientSession, since: float) -> Sample:
        """Take one sample. The head is asked for after the worker, so a slow answer counts."""
        self.processes.require_running()
        began = time.monotonic()
        async with session.get(f"{self.admin_url}/metrics") as answer:
            text = await answer.text()
        took = time.monotonic() - began
        head = await self._head(session)
        found = _SCANNED.search(text)
        scanned = int(float(found[1])) if found else 0
        memory, cpu = self._usage()
        return Sample(began - since, head - scanned, memory, cpu, took)

    async def until_current(self, within: float) -> float:
        """Wait until nothing is left to scan; return the seconds. Raises TimeoutError."""
        began = time.monotonic()
        async with asyncio.timeout(within), aiohttp.ClientSession() as session:
            while True:
                try:
                    if (await self.look(session, began)).lag <= 1:
                        return time.monotonic() - began
                except aiohttp.ClientError:  # it has not begun to listen
                    pass
                await asyncio.sleep(SAMPLE_SECONDS)

    async def status(self) -> dict[str, Any]:
        """Return what its /status says."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.admin_url}/status") as answer,
        ):
            found: dict[str, Any] = await answer.json()
            return found

    async def watch(self, seconds: float) -> list[Sample]:
        """Sample for so many seconds."""
        began = time.monotonic()
        samples: list[Sample] = []
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < began + seconds:
                samples.append(await self.look(session, began))
                await asyncio.sleep(SAMPLE_SECONDS)
        return samples

    async def _head(self, session: aiohttp.ClientSession) -> int:
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        async with session.post(self.crowd.url, json=call) as answer:
            return int((await answer.json())["result"], 16)

    def processor_seconds(self) -> float:
        """Return what the process has used of processors so far."""
        return self._usage()[1]

    def _usage(self) -> tuple[int, float]:
        """Return the process's resident bytes and processor seconds."""
        proc = Path(f"/proc/{self.processes.pid(NAME)}")
        pages = int((proc / "statm").read_text().split()[1])
        user, system = (proc / "stat").read_text().rpartition(")")[2].split()[11:13]
        return pages * _PAGE, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def follower(crowd: Crowd, folder: Path) -> AsyncIterator[Follower]:
    """Start a worker of the bench chain's operator that keeps its data under `folder`."""
    admin, public = free_port(), free_port()
    config = _write_settings(crowd, folder, admin, public)
    command = [sys.executable, "-m", "worker", "node", "start", "--config", str(config)]
    async with Processes(folder / "logs") as processes:
        await processes.start(NAME, command, {})
        yield Follower(processes, crowd, admin, public, folder)


def _write_settings(crowd: Crowd, folder: Path, admin: int, public: int) -> Path:
    file = folder / "31337.json"
    file.write_text(crowd.deployment.model_dump_json())
    settings = {
        "deployment": str(file),
        "data": str(folder / "data"),
        "chain": {"rpc_urls": [crowd.url], "confirmations": 1, "poll_seconds": POLL_SECONDS},
        "fetch": {"file_roots": [str(folder)]},
        "node": {
            "operator": OPERATOR,
            "public_url": f"http://127.0.0.1:{public}",
            "min_free_bytes": 1_000_000,
            "key": {"dev_account": ACCOUNT},
            "api": {"public_port": public, "admin_port": admin},
            "run": {"parallel": 1},
            "policy": {"seats": SEATS},
        },
    }
    config = folder / "config.toml"
    config.write_text(tomlkit.dumps(settings))
    return config
