import os
import subprocess
import sys

import pytest

from worker.errors import KeyInUseError
from worker.storage.lock import KeyLock
from worker.types import Address

KEY = Address("0x" + "ab" * 20)

HOLD = """
import sys, pathlib
from worker.storage.lock import KeyLock
with KeyLock(pathlib.Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock__second_process__refused_naming_the_first_until_it_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path), KEY]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(KeyInUseError, match=rf"{KEY} is in use by process {holder.pid} "),
            KeyLock(tmp_path, KEY),
        ):
            pass
        holder.kill()
        holder.wait()

        with KeyLock(tmp_path, KEY):
            pass


def test_lock__other_key__free(tmp_path):
    with KeyLock(tmp_path, KEY), KeyLock(tmp_path, Address("0x" + "cd" * 20)):
        pass
