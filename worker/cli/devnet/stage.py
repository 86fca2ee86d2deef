"""A local network with a cast: honest operators among adversaries, each a process with a key and a
stake of its own."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from worker.cli.devnet.cast.roles import FLOODER, HONEST, Cast
from worker.cli.devnet.deploy import deploy
from worker.cli.devnet.network import (
    FIRST_WORKER,
    STAKE,
    TOKEN,
    WATCHER,
    Deploying,
    Network,
    Operator,
    open_network,
)
from worker.client.wallet import Progress

FIRST_FLOODER = 17
"""Which of the local chain's accounts floods; those behind it, too."""

HONEST_STAKE = 3 * STAKE
"""Results are right while the drawn stake has an honest majority: it is what is tried here."""

_SMALL_PURSE = 20 * TOKEN  # for bonds of demands, and for a flooder's jobs
_MIN_PRICE = 10**14  # wei of the token for a task: there are jobs that nobody wants
_UPLOAD_BYTES_PER_TOKEN = 1 << 16


@dataclass(frozen=True)
class Stage:
    """A network and who plays what in it."""

    network: Network
    cast: Cast

    def role(self, operator: Operator) -> str:
        """Return an operator's part."""
        return self.cast.operators[self.network.operators.index(operator)]

    @property
    def honest(self) -> list[Operator]:
        """The operators that follow the protocol."""
        return [one for one in self.network.operators if self.role(one) == HONEST]

    async def start(self, operator: Operator) -> None:
        """Start the operator's worker in its part."""
        await self.network.start(operator, "--role", self.role(operator))

    async def start_flooders(self) -> None:
        """Start those that have no stake."""
        for index in range(self.cast.flooders):
            name, account = f"{FLOODER}-{index + 1}", FIRST_FLOODER + index
            file = self.network.write_settings(name, {"wallet": {"dev_account": account}})
            command = [sys.executable, "-m", "worker.cli.devnet.cast", str(file)]
            await self.network.processes.start(name, [*command, "--role", FLOODER], {})


@asynccontextmanager
async def open_stage(
    root: Path,
    folder: Path,
    cast: Cast,
    progress: Progress = lambda _: None,
    purses: Sequence[int] = (),
    deploying: Deploying = deploy,
) -> AsyncIterator[Stage]:
    """Open a network for a cast; see `open_network`. `purses` are accounts that get a purse beside
    those that the cast needs."""
    stakes = [HONEST_STAKE if role == HONEST else STAKE for role in cast.operators]
    workers = [FIRST_WORKER + index for index in range(len(stakes))]
    flooders = [FIRST_FLOODER + index for index in range(cast.flooders)]
    given = dict.fromkeys([WATCHER, *workers, *flooders, *purses], _SMALL_PURSE)
    async with open_network(
        root, folder, len(stakes), progress, stakes=stakes, purses=given, deploying=deploying
    ) as network:
        if cast.flooders:
            for operator in network.operators:
                _refuse_floods(operator)
        yield Stage(network, cast)


def _refuse_floods(operator: Operator) -> None:
    """Have a worker refuse worthless jobs, and uploads beyond a few megabytes."""
    settings: Any = tomlkit.parse(operator.settings.read_text())
    node = settings["node"]
    node["api"]["upload_bytes_per_token"] = _UPLOAD_BYTES_PER_TOKEN
    node["policy"]["tokens"] = {"0": {"min_price": _MIN_PRICE}}
    operator.settings.write_text(tomlkit.dumps(settings))
