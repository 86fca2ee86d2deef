"""The seed of a task."""

import hashlib

from worker.types import Digest, TaskIndex
from worker.work.prepare import seed_of


def test_seed_of__task__is_the_documented_hash():
    expected = hashlib.sha256(b"\x01" * 32 + b"\x00" * 6 + b"\x01\x02").digest()

    assert seed_of(Digest(b"\x01" * 32), TaskIndex(258)) == expected
