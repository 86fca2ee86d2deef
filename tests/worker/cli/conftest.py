"""A person at the command line of a machine that reaches a local chain."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from worker.cli import exits
from worker.cli.main import cli


@dataclass
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*args: object) -> Result:
        words = [str(arg) for arg in args]
        code = exits.run(lambda: cli.main(words, standalone_mode=False), debug=False)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def chain(session_network: LocalNetwork) -> Iterator[LocalNetwork]:
    snapshot = asyncio.run(session_network.anvil.ask("evm_snapshot"))
    yield session_network
    asyncio.run(session_network.anvil.ask("evm_revert", snapshot))


@pytest.fixture
def settings(
    chain: LocalNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Write the settings of this test's person; call again to change them."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("PROOFMESH_CONFIG", str(path))

    def write(url: str = chain.url, wallet: str = "dev_account = 0") -> None:
        path.write_text(
            f'deployment = "{chain.deployment}"\ndata = "{tmp_path / "data"}"\n'
            f'[chain]\nrpc_urls = ["{url}"]\nconfirmations = 0\npoll_seconds = 0.02\n'
            f"[wallet]\n{wallet}\n"
        )

    write()
    return write
