"""Forked children behave as processes of their own: their output, codes and ends are seen."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from worker.cli.devnet.forks import Fork, Forks
from worker.errors import ConfigError

MODULE = "worker.cli.devnet.cast"  # asks for a settings file, and refuses what is none


@asynccontextmanager
async def forking(tmp_path: Path) -> AsyncIterator[Forks]:
    forks = Forks(tmp_path / "server.log")
    try:
        yield forks
    finally:
        await forks.close()


async def asleep(forks: Forks, tmp_path: Path) -> Fork:
    """Start a child that has come as far as reading its settings, from a pipe that stays silent."""
    pipe = tmp_path / "settings.toml"
    os.mkfifo(pipe)
    child = await forks.start(MODULE, [str(pipe)], tmp_path / "child.log")
    await asyncio.to_thread(os.open, pipe, os.O_WRONLY)  # once the child has opened it
    return child


async def test_start__child_ends__its_words_and_code_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.write_text("before\n")
    async with forking(tmp_path) as forks:
        child = await forks.start(MODULE, ["--help"], log)
        assert await asyncio.wait_for(child.wait(), 30) == 0
        refused = await forks.start(MODULE, [str(tmp_path / "nowhere.toml")], log)
        assert await asyncio.wait_for(refused.wait(), 30) not in (0, None)
    assert log.read_text().startswith("before\nusage:")
    assert "nowhere.toml" in log.read_text()


async def test_start__killed__its_signal_is_told_and_others_run_on(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        child = await asleep(forks, tmp_path)
        assert os.getpgid(child.pid) == child.pid
        assert os.getsid(child.pid) == child.pid
        assert child.returncode is None
        os.killpg(child.pid, signal.SIGKILL)
        assert await asyncio.wait_for(child.wait(), 30) == -signal.SIGKILL
        another = await forks.start(MODULE, ["--help"], tmp_path / "another.log")
        assert await asyncio.wait_for(another.wait(), 30) == 0


async def test_close__child_runs__it_is_killed(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        child = await asleep(forks, tmp_path)
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


async def test_start__server_cannot_run__is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "worker.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    async with forking(tmp_path) as forks:
        with pytest.raises(ConfigError, match=r"fork server has ended: see .*server\.log"):
            await forks.start(MODULE, [], tmp_path / "child.log")
