"""A key works in one process: in one data folder, and on one machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from worker.errors import KeyInUseError
from worker.storage.lock import HostLock, KeyLock
from worker.types import Address

KEY = Address("0x" + "ab" * 20)
OTHER = Address("0x" + "cd" * 20)

HOLD = """
import sys, pathlib
from worker.storage import lock
kind, where, key = sys.argv[1:]
with getattr(lock, kind)(pathlib.Path(where) if kind == "KeyLock" else where, key):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(kind: type, where: object) -> Iterator[subprocess.Popen[bytes]]:
    """Have another process hold the key while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, kind.__name__, str(where), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            yield holder
        finally:
            holder.kill()


@pytest.mark.parametrize("kind", [HostLock, KeyLock])
def test_lock__second_process__refused_naming_the_first_until_it_is_killed(tmp_path, kind):
    where = tmp_path if kind is KeyLock else f"31337:{tmp_path}"
    with holding(kind, where) as holder:
        for _ in range(3):
            with (
                pytest.raises(
                    KeyInUseError, match=f"{KEY} is in use by process {holder.pid} "
                ) as e,
                kind(where, KEY),
            ):
                pass
        assert "stop that one first, or give this one a key of its own" in str(e.value)
        holder.kill()
        holder.wait()

        with kind(where, KEY):
            pass


def test_lock__other_key__free(tmp_path):
    with KeyLock(tmp_path, KEY), KeyLock(tmp_path, OTHER):
        pass


def test_host_lock__other_key_or_chain__free(tmp_path):
    with HostLock(f"1:{tmp_path}", KEY), HostLock(f"1:{tmp_path}", OTHER):
        with HostLock(f"2:{tmp_path}", KEY):
            pass
        with pytest.raises(KeyInUseError), HostLock(f"1:{tmp_path}", KEY):
            pass
