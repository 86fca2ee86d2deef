"""The local chain: it answers when started, and a taken port is said."""

import itertools
import os
import socket
from pathlib import Path

import pytest

from worker.cli.devnet.anvil import CHAIN_ID, find_anvil, free_port, start_anvil
from worker.errors import ConfigError, RpcError

ROOT = Path(__file__).parents[4]


async def test_start__free_port__answers_and_ends(tmp_path: Path) -> None:
    anvil = await start_anvil(ROOT, tmp_path / "anvil.log")
    try:
        assert await anvil.ask("eth_chainId") == hex(CHAIN_ID)
        with pytest.raises(RpcError, match="Method not found"):
            await anvil.ask("no_such_method")
    finally:
        await anvil.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(anvil.process.pid, 0)


def test_free_port__given_away__nobody_else_is_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = free_port()
    drawn = itertools.count(mine - 20_000)
    monkeypatch.setattr("secrets.randbelow", lambda _: next(drawn))

    assert free_port() > mine


async def test_start__port_in_use__names_port_and_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}: see .*anvil\.log"):
            await start_anvil(ROOT, tmp_path / "anvil.log", port)


def test_find__nowhere__says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="make setup"):
        find_anvil(tmp_path)
