"""One chain with five staked operators for all end-to-end tests; workers are a test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.network import CIRCLE, ROOT
from worker.cli.devnet.network import Network, open_network
from worker.cli.devnet.saved import deploy_or_load


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chain(tmp_path_factory: object) -> AsyncIterator[Network]:
    """The network, without workers."""
    folder: Path = tmp_path_factory.mktemp("network")  # type: ignore[attr-defined]
    async with open_network(
        ROOT, folder, len(CIRCLE), circles=[CIRCLE], deploying=deploy_or_load
    ) as network:
        yield network


@pytest_asyncio.fixture(loop_scope="session")
async def network(chain: Network) -> AsyncIterator[Network]:
    """The network; behind the test its workers are stopped, and settings are again as they were."""
    settings = {operator.settings: operator.settings.read_text() for operator in chain.operators}
    yield chain
    await chain.processes.stop_all()
    for file, text in settings.items():
        file.write_text(text)
