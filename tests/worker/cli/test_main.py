"""The door: help is quick and complete, unknown commands are usage errors."""

import subprocess
import sys
import time

HEAVY = ("aiohttp", "web3", "pydantic", "rich", "wasmtime", "eth_account", "eth_abi")


def _run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, timeout=60, check=False
    )


def test_help__shown__imports_nothing_heavy() -> None:
    code = (
        "import sys; from worker.cli import exits, main;"
        "exits.run(lambda: main.cli.main(['--help'], standalone_mode=False), debug=True);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = _run("-c", code).stdout
    assert shown.splitlines()[-1] == "[]"
    for group in ("job", "node", "credits", "config", "dev"):
        assert f"\n  {group} " in shown


def test_help__timed__is_within_a_few_bare_starts_of_click() -> None:
    def best(*args: str) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            _run(*args)
            times.append(time.perf_counter() - started)
        return min(times)

    assert best("-m", "worker", "--help") < 3 * best("-c", "import click")


def test_unknown_command__given__exits_with_usage() -> None:
    result = _run("-m", "worker", "nope")
    assert result.returncode == 2
    assert "No such command 'nope'" in result.stderr
