"""Processes of the local network: stopped, killed, and missed when they end by themselves."""

import os
import signal
import sys
from pathlib import Path

import pytest

from worker.cli.devnet.processes import Processes
from worker.errors import ConfigError

FOREVER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_leaving__after_an_error__stops_everything(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        async with Processes(tmp_path) as processes:
            await processes.start("a", FOREVER, {})
            await processes.start("b", FOREVER, {})
            pids = [processes.pid("a"), processes.pid("b")]
            raise RuntimeError("the demo failed")
    assert not any(map(_exists, pids))


async def test_stop__running__asks_first(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        await processes.start("a", FOREVER, {})
        assert await processes.stop("a") == -signal.SIGTERM


async def test_kill__running__may_start_again(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        await processes.start("a", FOREVER, {})
        first = processes.pid("a")
        await processes.kill("a")
        assert not processes.is_running("a")
        await processes.start("a", FOREVER, {})
        assert processes.pid("a") != first
        assert processes.is_running("a")


async def test_require_running__one_ended__says_its_last_words(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        last_words = [sys.executable, "-c", "print('no stake'); raise SystemExit(6)"]
        await processes.start("worker-2", last_words, {})
        assert await processes.wait("worker-2") == 6
        with pytest.raises(ConfigError, match="worker-2 ended with code 6: no stake"):
            processes.require_running()


async def test_start__environment__is_added(tmp_path: Path) -> None:
    async with Processes(tmp_path) as processes:
        show = [sys.executable, "-c", "import os; print(os.environ['MARK'], 'PATH' in os.environ)"]
        await processes.start("a", show, {"MARK": "seen"})
        await processes.wait("a")
        assert processes.log("a").read_text() == "seen True\n"
