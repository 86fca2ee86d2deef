"""The program's file and root, and what the builder fills in."""

import hashlib

import numpy as np
import pytest

from worker.errors import InvalidProgramError
from worker.tensor.build import Builder, Fin, Keep, window
from worker.tensor.numbers import Multiplier
from worker.tensor.program import DType, Op, Opcode, Program, Source, TensorType


def small_program(keep=Keep.LAYERS):
    """Two layers; the first one's inner tensor stays inside."""
    build = Builder()
    x = build.input(DType.I8, 2, 3)
    w = build.weights(np.ones((4, 3)), np.arange(4), [1 << 30] * 4, [31] * 4)
    inner = build.matmul(x, w, Fin(DType.I16, zp=-1, lo=-100, hi=100))
    first = build.requant(inner, Multiplier(1, 1), Fin(DType.I8))
    build.segment()
    table = build.constant(np.arange(256, dtype=np.int16).reshape(1, 256))
    build.output(build.lut(first, table))
    return build.build(keep)


def sha(tag, *parts):
    return hashlib.sha256(bytes([tag]) + b"".join(parts)).digest()


def test_descriptor__a_matmul__has_each_field_at_its_place():
    data = small_program().ops[0].encode()

    assert len(data) == 192
    assert data[:8] == bytes([Opcode.MATMUL, 0, 0, 0, 0, 0, 0, 0])
    assert data[8:16] == bytes(4) + b"\xff\xff\xff\xff"
    assert int.from_bytes(data[16:24], "big", signed=True) == -100
    assert int.from_bytes(data[24:32], "big", signed=True) == 100
    assert data[32:64] == bytes(32)
    assert data[64:80].hex() == "00020000000000020000000400000000"
    assert data[80:96].hex() == "01010000000000020000000300000000"
    assert data[96:112].hex() == "02110000000000040000000300000000"
    assert data[112:192] == bytes(80)


def test_descriptor__every_field__survives_the_round():
    build = Builder()
    x = build.input(DType.I16, 6, 4)
    y = build.input(DType.I8, 2, 1)
    both = build.add(x, y, Fin(DType.I32, 7), ma=-3, mb=9, c=-(1 << 40), s=5, divs=(1, 3))
    build.mul(both, y, Multiplier(1 << 30, 62), Fin(DType.I8), za=-300, zb=300)
    image = build.input(DType.I8, 8, 8 * 3)
    build.output(build.max_pool(image, window((8, 8, 3), (3, 2), (2, 1), (1, 0, 1, 1))))

    for op in build.build().ops:
        assert Op.decode(op.encode()) == op


def test_root__small_program__is_the_plain_definition():
    program = small_program()
    file = program.encode()
    header, types, rest = file[4:20], file[20:47], file[47:]
    descriptors, weights, table = rest[:576], rest[576 : 576 + 4 * 19], rest[576 + 4 * 19 :]
    line = sha(1, sha(0, weights))
    tensors = (
        sha(3, types[9:18], line),
        sha(3, types[18:27], sha(1, sha(0, table))),
    )
    leaves = [sha(4, descriptors[at : at + 192]) for at in (0, 192, 384)]
    ops = sha(2, sha(2, *leaves[:2]), sha(2, leaves[2], bytes(32)))

    assert header.hex() == "00010001000200030002000000000000"
    assert program.root == sha(5, header, sha(9, types[:9]), sha(2, *tensors), ops)


def test_root__no_constants__has_zeros_in_their_place():
    build = Builder()
    build.output(build.slice(build.input(DType.I8, 2, 2), 0, 0, 1, 1))
    program = build.build()

    leaf = sha(4, program.ops[0].encode())
    assert program.root == sha(5, program.header, program.inputs_digest, bytes(32), leaf)


def test_decode__of_encode__is_the_program():
    program = small_program()

    again = Program.decode(program.encode())

    assert again.encode() == program.encode()
    assert again.root == program.root
    assert (again.inputs, again.ops) == (program.inputs, program.ops)


def test_build__layers__checkpoints_what_crosses_and_the_outputs():
    program = small_program()

    assert [op.is_checkpoint for op in program.ops] == [False, True, True]
    assert [op.segment for op in program.ops] == [0, 0, 1]
    assert [op.a.source for op in program.ops] == [
        Source.INPUT,
        Source.INNER,
        Source.CHECKPOINT,
    ]
    assert program.outputs == [2]


def test_build__outputs_only__is_one_segment_with_one_checkpoint():
    program = small_program(Keep.OUTPUTS)

    assert [op.is_checkpoint for op in program.ops] == [False, False, True]
    assert program.segments == 1


def test_build__all__checkpoints_everything():
    assert all(op.is_checkpoint for op in small_program(Keep.ALL).ops)


def test_build__weights_out_of_range__are_refused():
    with pytest.raises(ValueError, match="does not fit uint32"):
        Builder().weights(np.ones((1, 1)), [0], [-1], [0])
    with pytest.raises(ValueError, match="one element for each row"):
        Builder().weights(np.ones((2, 1)), [0], [1, 1], [0, 0])


def test_build__output_of_an_input__is_refused():
    build = Builder()
    with pytest.raises(ValueError, match="only an operator's tensor"):
        build.output(build.input(DType.I8, 1, 1))


def test_build__elementwise_broadcast__has_the_larger_shape():
    build = Builder()
    rows = build.input(DType.I8, 2, 5)
    column = build.input(DType.I8, 6, 1)
    value = build.add(rows, column, Fin(DType.I8), divs=(4, 0))

    assert value.type == TensorType(DType.I8, 8, 5)


FILE = small_program().encode()


def at(place, *values):
    return FILE[:place] + bytes(values) + FILE[place + len(values) :]


BROKEN = {
    "empty": (b"", "not a tensor program"),
    "magic": (at(0, 0), "not a tensor program"),
    "header cut": (FILE[:15], "not a tensor program"),
    "version": (at(5, 2), "version 2"),
    "no input": (at(7, 0), "0 inputs"),
    "17 inputs": (at(7, 17), "17 inputs"),
    "4096 constants": (at(8, 16, 0), "4096 constants"),
    "no operator": (at(11, 0), "0 operators"),
    "4096 operators": (at(10, 16, 0), "4096 operators"),
    "segments": (at(13, 3), "3 segments, not 2"),
    "header not zero": (at(19, 1), "header: a byte that must be zero"),
    "cut after the header": (FILE[:21], "its header implies more"),
    "more operators than bytes": (at(10, 15, 255), "its header implies more"),
    "cut": (FILE[:-1], "its types imply"),
    "longer": (FILE + b"\0", "its types imply"),
    "bomb": (at(30, 0, 255, 255, 255, 0, 0, 64, 0), "its types imply"),
    "unknown type": (at(20, 3), "types: 3 is not a valid DType"),
    "no rows": (at(24, 0), "no tensor can be"),
    "too many rows": (at(21, 1, 0, 0, 1), "no tensor can be"),
    "row too long": (at(25, 0, 0, 64, 17), "no tensor can be"),
    "unknown opcode": (at(47 + 192, 24), "operator 1: 24 is not a valid Opcode"),
    "unknown flag": (at(48, 4), "operator 0: a byte that must be zero"),
    "byte between fields": (at(47 + 5, 1), "operator 0: a byte that must be zero"),
    "unknown source": (at(47 + 80, 5), "operator 0: 5 is not a valid Source"),
    "operand's type": (at(47 + 81, 16), "operator 0: 16 is not a valid DType"),
    "tail not zero": (at(47 + 576 + 18, 1), "constant 0: a byte of a tail"),
}


@pytest.mark.parametrize(("file", "message"), BROKEN.values(), ids=BROKEN)
def test_decode__broken_file__is_refused_by_name(file, message):
    with pytest.raises(InvalidProgramError, match=message):
        Program.decode(file)
