"""Talks to the worker that runs on this machine: its status, and asking it to drain."""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp

from worker.errors import NotFoundError, WaitTimeoutError
from worker.types import Address

_POLL_SECONDS = 0.1


async def fetch_status(port: int) -> dict[str, Any]:
    """Return /status of the admin listener. Raises NotFoundError when no worker answers."""
    url = f"http://127.0.0.1:{port}/status"
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            answer.raise_for_status()
            status: dict[str, Any] = await answer.json()
            return status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotFoundError(f"no worker answers on the admin port {port}") from error


def drain_process(folder: Path, key: Address, within: float) -> None:
    """Ask the worker that holds the key's lock to drain, and wait until it gave the lock up.

    Raises NotFoundError when none runs, WaitTimeoutError.
    """
    path = folder / f"{key.lower()}.lock"
    if not path.exists() or _is_free(path):
        raise NotFoundError(f"no worker runs with key {key}")
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(path.read_text()), signal.SIGTERM)
    ends_at = time.monotonic() + within
    while not _is_free(path):
        if time.monotonic() > ends_at:
            raise WaitTimeoutError(f"the worker still drains after {within:g} s")
        time.sleep(_POLL_SECONDS)  # the kernel tells nobody when a lock is given up


def _is_free(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
