"""Pieces of outputs: what is cut out of a run's blob. Contracts take it: tests of deliveries."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from worker.errors import JobError, VerificationError
from worker.protocol.deliveries import Debt, Part
from worker.protocol.merkle import CHUNKS, chunk_count, chunk_root, verify
from worker.protocol.record import ExitClass, Record, blind
from worker.protocol.results import TaskResult
from worker.tensor.program import DType, Op, Opcode, Ref, Source
from worker.tensor.tensors import TensorType
from worker.types import Address
from worker.work.pieces import RECORD, cut_bundle, cut_tensor

TYPE = TensorType(DType.I8, 3, 300)


def debt(number: int, position: int) -> Debt:
    return Debt(Address("0x" + "11" * 20), 0, 1, 0, number, position)


@pytest.mark.parametrize("size", [1, 1_024, 1_025, 9_000])
def test_cut_bundle__every_chunk__leads_to_the_root(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * 36
    path = tmp_path / "blob"
    path.write_bytes(content[:size])
    root, count = chunk_root(BytesIO(content[:size])), chunk_count(size)

    for position in range(count):
        piece = cut_bundle(b"", path, debt(0, position), Part(root, count, 0, 0))
        assert verify(CHUNKS, root, position, count, piece.data, piece.path)


def test_cut_bundle__record__only_the_one_that_settled(tmp_path: Path) -> None:
    record = Record(ExitClass.OK, 0, 7, bytes(32), 5, bytes(32))
    document = TaskResult.of(record, bytes(32)).encode()
    value = blind(record.digest())

    piece = cut_bundle(document, tmp_path, debt(RECORD, 0), Part(value, 1, 0, 192))

    assert (piece.data, piece.path) == (record.encode(), [])
    with pytest.raises(VerificationError):
        cut_bundle(document, tmp_path, debt(RECORD, 0), Part(bytes(32), 1, 0, 192))


def test_cut_tensor__second_output__is_found_behind_the_first(tmp_path: Path) -> None:
    ops = [
        Op(
            Opcode.SLICE,
            Ref(Source.OUTPUT, k, TYPE),
            Ref(Source.INPUT, 0, TYPE),
            is_checkpoint=True,
            is_output=k != 1,
            segment=0,
        )
        for k in range(3)
    ]
    first, second = (np.full((3, 300), value, np.int8).tobytes() for value in (1, 2))
    path = tmp_path / "blob"
    path.write_bytes(bytes(3 * 32) + first + second)

    assert cut_tensor(path, ops, debt(0, 0)).data == b"\1" * 300
    piece = cut_tensor(path, ops, debt(2, 2))
    assert (piece.data, len(piece.path)) == (b"\2" * 300, 4)
    for number in (1, 3):
        with pytest.raises(JobError, match="writes no output"):
            cut_tensor(path, ops, debt(number, 0))
