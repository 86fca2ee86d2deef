"""A task's result as a worker serves it."""

import dataclasses

import pytest

from worker.errors import VerificationError
from worker.protocol.record import ExitClass, Record, blind
from worker.protocol.results import TaskResult

RECORD = Record(ExitClass.TRAP, 0, 1 << 40, b"\1" * 32, 77, b"\2" * 32)
BUNDLE = b"\3" * 32


def test_decode__encoded_result__same_record():
    data = TaskResult.of(RECORD, BUNDLE).encode()

    result = TaskResult.decode(data, blind(RECORD.digest()))

    assert result.record == RECORD
    assert result.bundle == BUNDLE.hex()


def test_decode__another_record__refused():
    other = dataclasses.replace(RECORD, fuel=RECORD.fuel + 1)

    with pytest.raises(VerificationError, match="not the one that settled"):
        TaskResult.decode(TaskResult.of(other, BUNDLE).encode(), blind(RECORD.digest()))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"exit_class": 0}', b"\xff"])
def test_decode__malformed__refused(data):
    with pytest.raises(VerificationError, match="malformed"):
        TaskResult.decode(data, bytes(32))
