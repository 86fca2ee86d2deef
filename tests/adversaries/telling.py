"""What runs tell people while they last, and what is kept with their results."""

import asyncio
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from worker.client.wallet import Progress


def narrator() -> Progress:
    """Return what tells a person what happens, and when."""
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - started:6.1f} s  {text}")

    return say


def in_a_folder(play: Callable[[Path], Coroutine[Any, Any, int]]) -> int:
    """Run what plays in a folder of its own; return its exit code. The folder, with every worker's
    log and database, stays where something went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="adversaries-"))
    code = 1
    try:
        code = asyncio.run(play(folder))
    finally:
        if code == 0:
            shutil.rmtree(folder)
        else:
            click.echo(f"logs and databases are in {folder}")
    return code


def machine() -> dict[str, object]:
    """Return where a result was made."""
    return {"cpus": os.cpu_count(), "arch": platform.machine(), "python": platform.python_version()}
