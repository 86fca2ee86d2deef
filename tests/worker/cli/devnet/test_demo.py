"""The demo: Ctrl-C at any moment leaves no process behind, and nothing outside the checkout."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.cli.exits import Exit

ROOT = Path(__file__).parents[4]
BORROWED = ("ape-config.yaml", "contracts", "scripts", "examples", "node_modules", ".build")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of its own, so that a network of the real one is left alone."""
    folder = tmp_path / "checkout"
    (folder / ".cache").mkdir(parents=True)
    for name in BORROWED:
        (folder / name).symlink_to(ROOT / name)
    compiled = ROOT / ".cache" / "ape"
    compiled.mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "ape").symlink_to(compiled)
    return folder


@pytest.fixture
def demo(checkout: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    home = tmp_path / "home"
    home.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "dev", "demo"],
        cwd=checkout,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "TMPDIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def running_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in `folder` or name it."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or process.name == str(os.getpid()):
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or (process / "cwd").resolve().is_relative_to(folder):
                found.append(command)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("moment", ["chain 31337 runs", "worker 5 is starting"])
def test_demo__interrupted__stops_everything_it_started(demo, checkout, tmp_path, moment):
    said = ""
    for line in demo.stdout:
        said += line
        if moment in line:
            break
    assert moment in said

    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=60)

    assert demo.returncode == Exit.INTERRUPTED, said + rest
    assert rest.strip().splitlines()[-1] == "interrupted"
    assert "Traceback" not in rest
    assert running_in(checkout) == []
    assert not (checkout / ".proofmesh" / "dev" / "up.pid").exists()
    assert re.search(r"http://127\.0\.0\.1:\d+", said)
    made = {path.name for path in checkout.iterdir()} - {*BORROWED, ".cache"}
    assert made == {".proofmesh"}
    assert list((tmp_path / "home").iterdir()) == []
