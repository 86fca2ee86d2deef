"""What runs tell people while they last, and what is kept with their results."""

import os
import platform
import time

import click

from worker.client.wallet import Progress


def narrator() -> Progress:
    """Return what tells a person what happens, and when."""
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - started:6.1f} s  {text}")

    return say


def machine() -> dict[str, object]:
    """Return where a result was made."""
    return {"cpus": os.cpu_count(), "arch": platform.machine(), "python": platform.python_version()}
