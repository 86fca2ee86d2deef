"""What tests of several rooms share: a local chain with the contracts deployed on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from worker.cli.devnet.anvil import Anvil

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class LocalNetwork:
    """A chain of this session. Tests that use `network` find it as it was deployed."""

    anvil: "Anvil"
    deployment: Path

    @property
    def url(self) -> str:
        """Where the chain answers."""
        return self.anvil.url


@pytest.fixture(scope="session")
def session_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """A chain with the contracts deployed, until the tests end."""
    from worker.cli.devnet.anvil import start_anvil
    from worker.cli.devnet.saved import deploy_or_load

    folder = tmp_path_factory.mktemp("network")
    with asyncio.Runner() as runner:
        anvil = runner.run(start_anvil(ROOT, folder / "anvil.log"))
        try:
            runner.run(deploy_or_load(ROOT, anvil, folder, folder / "deploy.log"))
            yield LocalNetwork(anvil, folder / "31337.json")
        finally:
            runner.run(anvil.stop())


@pytest.fixture
async def network(session_network: LocalNetwork) -> AsyncIterator[LocalNetwork]:
    """The session's chain, rolled back after the test."""
    snapshot = await session_network.anvil.ask("evm_snapshot")
    yield session_network
    await session_network.anvil.ask("evm_revert", snapshot)
