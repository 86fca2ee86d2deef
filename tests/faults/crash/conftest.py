"""A chain with three staked operators for each scene: databases then hold all their keys did."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.network import ROOT
from worker.cli.devnet.network import Network, open_network
from worker.cli.devnet.saved import deploy_or_load


@pytest_asyncio.fixture(loop_scope="session")
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    """The network, without workers; those that the scene started are killed behind it."""
    (tmp_path / "network").mkdir()
    async with open_network(ROOT, tmp_path / "network", 3, deploying=deploy_or_load) as network:
        yield network
        for operator in network.operators:
            if network.processes.is_running(operator.name):
                await network.processes.kill(operator.name)
