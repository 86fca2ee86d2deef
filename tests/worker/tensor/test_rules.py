"""What each operator asks of types, shapes, geometry and bounds; the refusals name the field."""

from dataclasses import replace

import numpy as np
import pytest

from worker.errors import InvalidProgramError
from worker.tensor.build import Builder, Fin, Keep, window
from worker.tensor.numbers import IDENTITY, Multiplier
from worker.tensor.program import DType, Program
from worker.tensor.validate import validate


def one(make, *types):
    """A program of one operator over inputs, as `make` builds it."""
    build = Builder()
    build.output(make(build, *(build.input(*type) for type in types)))
    return build.build(Keep.ALL)


def weights(build, rows, cols, b=0, m=1, s=0):
    return build.weights(np.zeros((rows, cols)), [b] * rows, [m] * rows, [s] * rows)


I8, I16, I32, I64 = DType.I8, DType.I16, DType.I32, DType.I64
WINDOW = window((5, 4, 3), (2, 2))
IMAGE = (I8, 5, 12)
SHAPES = {
    "matmul of i16": (lambda b, x: b.matmul(x, weights(b, 2, 3), Fin(I8)), [(I16, 1, 3)], "a: i16"),
    "matmul inner": (
        lambda b, x: b.matmul(x, weights(b, 2, 4), Fin(I8)),
        [(I8, 1, 3)],
        "b: w8 2x4",
    ),
    "bmm groups": (
        lambda b, x, y: b.bmm(x, y, 2, IDENTITY, Fin(I32)),
        [(I8, 3, 2), (I8, 2, 2)],
        "g0: 2 gr",
    ),
    "bmm groups of b": (
        lambda b, x, y: b.bmm(x, y, 2, IDENTITY, Fin(I32)),
        [(I8, 2, 2), (I8, 3, 2)],
        "g0: 2 gr",
    ),
    "bmm inner": (
        lambda b, x, y: b.bmm(x, y, 1, IDENTITY, Fin(I32)),
        [(I8, 2, 2), (I8, 2, 3)],
        "b: 3 col",
    ),
    "bmm of i16": (
        lambda b, x, y: b.bmm(x, y, 1, IDENTITY, Fin(I32)),
        [(I8, 2, 2), (I16, 2, 2)],
        "b: i16",
    ),
    "add columns": (
        lambda b, x, y: b.add(x, y, Fin(I8)),
        [(I8, 1, 6), (I8, 1, 3)],
        "b: 3 columns, not 1 or 6",
    ),
    "scale row": (
        lambda b, x, y: b.scale(x, y, y, IDENTITY, Fin(I8)),
        [(I8, 2, 2), (I8, 2, 2)],
        "b: i8 2x2, not 1x2",
    ),
    "lut of i16": (lambda b, x, y: b.lut(x, y), [(I16, 1, 1), (I8, 1, 256)], "a: i16"),
    "lut size": (lambda b, x, y: b.lut(x, y), [(I8, 1, 1), (I8, 1, 255)], "b: i8 1x255, not 1x256"),
    "norm of i32": (lambda b, x: b.norm(x, Fin(I8)), [(I32, 1, 2)], "a: i32"),
    "norm too wide": (
        lambda b, x: b.norm(x, Fin(I8)),
        [(I8, 1, 4097)],
        "a: 4097 columns, at most 4096",
    ),
    "norm c": (lambda b, x: b.norm(x, Fin(I8), -1), [(I8, 1, 2)], "c: is negative"),
    "pick index": (lambda b, x, y: b.pick(x, y), [(I8, 2, 2), (I16, 2, 1)], "b: i16"),
    "pick rows": (lambda b, x, y: b.pick(x, y), [(I8, 2, 2), (I32, 1, 1)], "b: i32 1x1, not 2x1"),
    "row sum of i64": (lambda b, x: b.row_sum(x, Fin(I64)), [(I64, 1, 1)], "a: i64"),
    "squares of i32": (lambda b, x: b.row_sum_squares(x, Fin(I64)), [(I32, 1, 1)], "a: i32"),
    "squares too wide": (
        lambda b, x: b.row_sum_squares(x, Fin(I64)),
        [(I16, 1, 4097)],
        "a: 4097 columns of i16",
    ),
    "gather columns": (
        lambda b, x, y: b.gather(x, y),
        [(I8, 2, 2), (I8, 2, 2)],
        "a: 2 columns, not 1",
    ),
    "conv of i16": (
        lambda b, x: b.conv(x, weights(b, 1, 12), WINDOW, Fin(I8)),
        [(I16, 5, 12)],
        "a: i16",
    ),
    "conv weights": (
        lambda b, x: b.conv(x, weights(b, 1, 4), WINDOW, Fin(I8)),
        [IMAGE],
        "b: w8 1x4, not 1x12",
    ),
    "conv za": (
        lambda b, x: b.conv(x, weights(b, 1, 12), WINDOW, Fin(I8), 128),
        [IMAGE],
        "za: 128 is no i8",
    ),
    "conv rows": (
        lambda b, x: b.conv(x, weights(b, 1, 12), WINDOW, Fin(I8)),
        [(I8, 6, 12)],
        "a: 6 rows, not images of 5",
    ),
    "conv columns": (
        lambda b, x: b.conv(x, weights(b, 1, 12), WINDOW, Fin(I8)),
        [(I8, 5, 11)],
        "a: 11 columns, not 12",
    ),
    "depthwise weights": (
        lambda b, x: b.depthwise(x, weights(b, 2, 4), WINDOW, Fin(I8)),
        [IMAGE],
        "b: w8 2x4, not 3x4",
    ),
    "pool stride 0": (
        lambda b, x: b.max_pool(x, WINDOW._replace(stride_width=0)),
        [IMAGE],
        "geometry: width: kernel",
    ),
    "pool padding": (
        lambda b, x: b.max_pool(x, WINDOW._replace(pad_top=2)),
        [IMAGE],
        "geometry: height: padding 2",
    ),
    "pool beyond the image": (
        lambda b, x: b.max_pool(x, WINDOW._replace(out_height=6)),
        [IMAGE],
        "geometry: height: no padding gives 6",
    ),
    "pool stops early": (
        lambda b, x: b.max_pool(x, WINDOW._replace(out_height=3)),
        [IMAGE],
        "geometry: height: no padding gives 3",
    ),
    "pool kernel": (
        lambda b, x: b.max_pool(x, WINDOW._replace(kernel_height=1 << 31)),
        [IMAGE],
        "g3-g4: a window of",
    ),
    "permute dims": (lambda b, x: b.permute(x, [2, 3], [1, 0], 2, 2), [(I8, 2, 2)], "g0-g3"),
    "permute order": (lambda b, x: b.permute(x, [2, 2], [1, 1], 2, 2), [(I8, 2, 2)], "g4-g7"),
    "permute shape": (
        lambda b, x: b.permute(x, [2, 2], [1, 0], 2, 3),
        [(I8, 2, 2)],
        "output: i8 2x3 out of",
    ),
    "slice rows": (lambda b, x: b.slice(x, 1, 0, 2, 1), [(I8, 2, 2)], "g0: i8 2x1 at row 1 leaves"),
    "slice columns": (
        lambda b, x: b.slice(x, 0, 2, 1, 1),
        [(I8, 2, 2)],
        "g1: i8 1x1 at column 2 leaves",
    ),
    "concat types": (lambda b, x, y: b.concat_rows(x, y), [(I8, 1, 2), (I16, 1, 2)], "b: i16"),
    "concat rows": (
        lambda b, x, y: b.concat_rows(x, y),
        [(I8, 1, 2), (I8, 1, 3)],
        "b: 3 columns, a has 2",
    ),
    "concat columns": (
        lambda b, x, y: b.concat_cols(x, y),
        [(I8, 1, 2), (I8, 2, 2)],
        "b: 2 rows, a has 1",
    ),
    "pad inside": (lambda b, x: b.pad(x, 1, 0, 2, 2), [(I8, 2, 2)], "g0: i8 2x2 at row 1 leaves"),
    "pad value": (lambda b, x: b.pad(x, 0, 0, 2, 2, 128), [(I8, 2, 2)], "c: 128 is no i8"),
}

BIG = Multiplier((1 << 31) - 1, 31)
BOUNDS = {
    "add product": (lambda b, x: b.add(x, x, Fin(I8), ma=2), [(I64, 1, 1)], "ma"),
    "add second product": (lambda b, x: b.add(x, x, Fin(I8), ma=0, mb=2), [(I64, 1, 1)], "mb"),
    "add sum": (lambda b, x: b.add(x, x, Fin(I8)), [(I64, 1, 1)], "c"),
    "add constant": (lambda b, x: b.add(x, x, Fin(I8), c=(1 << 63) - 1), [(I8, 1, 1)], "c"),
    "add rounding": (
        lambda b, x: b.add(x, x, Fin(I8), c=(1 << 63) - 1000, s=20),
        [(I8, 1, 1)],
        "s",
    ),
    "mul offset": (lambda b, x: b.mul(x, x, IDENTITY, Fin(I8), za=1), [(I64, 1, 1)], "za"),
    "mul product": (lambda b, x: b.mul(x, x, IDENTITY, Fin(I8)), [(I64, 1, 1)], "b"),
    "mul scale": (lambda b, x: b.mul(x, x, BIG, Fin(I8)), [(I32, 1, 1)], "m"),
    "requant c": (lambda b, x: b.requant(x, IDENTITY, Fin(I8), -1), [(I64, 1, 1)], "c"),
    "requant m": (lambda b, x: b.requant(x, IDENTITY, Fin(I8)), [(I64, 1, 1)], "m"),
    "requant zp": (
        lambda b, x: b.requant(x, Multiplier((1 << 31) - 1, 0), Fin(I64, 1 << 30)),
        [(I32, 1, 1)],
        None,
    ),
    "scale product": (
        lambda b, x, y: b.scale(x, y, y, IDENTITY, Fin(I8)),
        [(I64, 1, 1), (I64, 1, 1)],
        "b",
    ),
    "scale sum": (
        lambda b, x, y, z: b.scale(x, y, z, IDENTITY, Fin(I8)),
        [(I32, 1, 1), (I32, 1, 1), (I64, 1, 1)],
        "d",
    ),
    "norm c": (lambda b, x: b.norm(x, Fin(I8), (1 << 63) - 1), [(I8, 1, 1)], "c"),
    "row sum scale": (lambda b, x: b.row_sum(x, Fin(I64), BIG), [(I32, 1, 4)], "m"),
    "squares scale": (lambda b, x: b.row_sum_squares(x, Fin(I64), BIG), [(I16, 1, 5)], "m"),
    "isqrt zp": (lambda b, x: b.isqrt(x, Fin(I64, (1 << 31) - 1)), [(I64, 1, 1)], None),
    "div product": (lambda b, x: b.div(x, x, -1, Fin(I8)), [(I64, 1, 1)], "c"),
    "div zp": (lambda b, x: b.div(x, x, 1, Fin(I64, zp=1)), [(I64, 1, 1)], "zp"),
    "pool sum": (lambda b, x: b.average_pool(x, WINDOW, IDENTITY, Fin(I8)), [(I64, 5, 12)], "a"),
}


@pytest.mark.parametrize(
    ("make", "types", "field"), (SHAPES | BOUNDS).values(), ids=(SHAPES | BOUNDS)
)
def test_validate__operator_that_cannot_be__names_the_field(make, types, field):
    program = one(make, *types)
    if field is None:  # as far as it may go
        validate(program)
        return
    with pytest.raises(InvalidProgramError) as refusal:
        validate(program)
    name = program.ops[0].opcode.name
    assert str(refusal.value).startswith(f"operator 0 ({name}), {field}")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_validate__image_without_pixels__is_refused(place):
    program = one(lambda b, x: b.max_pool(x, WINDOW), IMAGE)
    numbers = list(program.ops[0].geometry)
    numbers[place] = 0
    op = replace(program.ops[0], geometry=tuple(numbers))
    with pytest.raises(InvalidProgramError, match="g0-g2: an image has no pixels"):
        validate(Program(program.inputs, [], [op]))
