"""The door: help is quick and complete, unknown commands are usage errors."""

import os
import resource
import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "web3", "pydantic", "rich", "wasmtime", "eth_account", "eth_abi")


def _run(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )


def test_help__shown__imports_nothing_heavy() -> None:
    code = (
        "import sys; from worker.cli import exits, main;"
        "exits.run(lambda: main.cli.main(['--help'], standalone_mode=False), debug=True);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = _run("-c", code).stdout
    assert shown.splitlines()[-1] == "[]"
    for group in ("job", "node", "credits", "gov", "config", "dev"):
        assert f"\n  {group} " in shown


HELP_SECONDS = 0.4


def test_help__timed__is_quick() -> None:
    """Processor time: what other programs do on the machine does not count."""
    best = min(_cpu_seconds("-m", "worker", "--help") for _ in range(3))
    assert best < HELP_SECONDS


def _cpu_seconds(*args: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert _run(*args).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion__asked_for__is_a_script_that_knows_the_verbs(shell: str) -> None:
    name = "_PROOFMESH_COMPLETE"
    code = "from worker.cli.main import main; main()"
    script = _run("-c", code, env={name: f"{shell}_source"}).stdout
    assert name in script and "proofmesh" in script
    asked = {
        name: f"{shell}_complete",
        "COMP_WORDS": "proofmesh job f",
        "COMP_CWORD": "f" if shell == "fish" else "2",
    }
    told = _run("-c", code, env=asked).stdout
    assert "fetch" in told and "follow" in told


def test_unknown_command__given__exits_with_usage() -> None:
    result = _run("-m", "worker", "nope")
    assert result.returncode == 2
    assert "No such command 'nope'" in result.stderr
