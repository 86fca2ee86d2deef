"""Requesters that post small jobs of both lanes through the SDK, and want what they paid for."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.chain.config import KeyConfig
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.network import Network
from worker.client import AsyncClient, ClientConfig, JobFile
from worker.errors import FetchError, RetryableError, RpcError
from worker.types import Address

FIRST_ACCOUNT = 1
"""The local chain's account of the first customer."""

WINDOWS = {"claim": "30s", "run": "40s", "reveal": "40s"}
_PROVABLE_WINDOWS = {"claim": "30s", "run": "30s", "reveal": "30s", "challenge": "15s"}
_LIMITS = {"fuel": "100M", "memory": "32MiB", "output": "64KiB", "files": 2}
_SEATS = {"seats": 3, "max_seats": 7, "batch": 2, "price": "0.02", "bond": "1"}


@dataclass(frozen=True)
class Kind:
    """A sort of job: all jobs of a kind have the same results."""

    name: str
    folder: str
    fields: dict[str, Any]

    def file(self, examples: Path) -> JobFile:
        """Return the job's file."""
        source = json.dumps({"name": self.name, **self.fields}).encode()
        return JobFile.parse(source, examples / self.folder)


PICTURE = Kind(
    "picture",
    "raytrace",
    {
        "program": "raytrace.wasm",
        "inputs": {"scene.txt": "scene.txt"},
        "args": ["{index}", "2", "1", "24", "16"],
        "tasks": {"range": {"from": 0, "to": 2}},
        "limits": _LIMITS,
        "windows": WINDOWS,
        **_SEATS,
    },
)
PROTEIN = Kind(
    "protein",
    "folding",
    {
        "program": "folding.wasm",
        "args": ["HPHPPHHPHPPHPHHPPHPH", "{index}", "500"],
        "tasks": {"range": {"from": 0, "to": 2}},
        "limits": _LIMITS,
        "windows": WINDOWS,
        **_SEATS,
    },
)
DIGITS = Kind(
    "digits",
    "digits",
    {
        "kind": "tensor",
        "program": "mlp.ptp",
        "tasks": {"files": "images/[01].npy"},
        "batch": 2,
        "price": "0.02",
        "bond": "1",
        "audit": "25%",
        "windows": _PROVABLE_WINDOWS,
    },
)
KINDS = (PICTURE, PROTEIN, DIGITS)
_SHARES = (2, 1, 1)


@dataclass
class Customer:
    """One requester; its wallet does one thing at a time."""

    client: AsyncClient
    address: Address
    examples: Path
    jobs: dict[str, Kind] = field(default_factory=dict)
    """What it posted, by key."""

    _wallet: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def post(self, kind: Kind) -> str:
        """Post a job; return its key. What was cut off is finished, not posted twice."""
        async with self._wallet:
            record = None
            while record is None:
                with suppress(RetryableError):
                    record = await self.client.submit(kind.file(self.examples))
        assert record.key is not None
        self.jobs[record.key] = kind
        return record.key

    async def insist(self, job: str, operator: int) -> bool:
        """Demand a job's first output of an operator on the chain; whether it was shown."""
        async with self._wallet:
            while True:
                try:
                    await self.client.demand(job, [0], operator=operator)
                except FetchError:
                    return False
                except RpcError:  # what was demanded is not demanded again
                    continue
                return True

    async def is_right(self, job: str, folder: Path) -> bool:
        """Fetch a job's outputs and run its tasks again; whether they are what was paid for."""
        await self.client.fetch(job, folder)
        return all([verdict.agrees async for verdict in self.client.verify(job)])


@asynccontextmanager
async def open_customers(
    network: Network, examples: Path, count: int
) -> AsyncIterator[Sequence[Customer]]:
    """Connect so many customers; each keeps its records in a folder of the network's."""
    async with AsyncExitStack() as stack:
        customers = []
        for account in range(FIRST_ACCOUNT, FIRST_ACCOUNT + count):
            config = ClientConfig(
                deployment=network.deployment_file,
                chain=network.chain,
                data=network.folder.resolve() / f"customer-{account}",
                wallet=KeyConfig(dev_account=account),
            )
            client = await stack.enter_async_context(AsyncClient(config))
            address = dev_signer(account, LOCAL_CHAIN_ID).address
            customers.append(Customer(client, address, examples))
        yield customers


def choose_kinds(count: int, chance: random.Random) -> list[Kind]:
    """Return the kinds of so many jobs, in random order."""
    return chance.choices(KINDS, _SHARES, k=count)
