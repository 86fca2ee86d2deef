"""Lies about single operators, as large as they come, inside of programs of a real one's size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from worker.tensor.build import Builder, Fin, Keep, Value, window
from worker.tensor.commit import Tree
from worker.tensor.numbers import IDENTITY, Multiplier
from worker.tensor.openings import Held, Whole
from worker.tensor.program import Program
from worker.tensor.proof import Claim, Exhibits, prove_element
from worker.tensor.tensors import DType
from worker.tensor.trace import Trace

OPERATORS = 128  # of the program, and as many constants: paths of 7 levels
TASKS = 32
ROWS = 512  # of activations: paths of 9 levels
WRONG = 0x4D  # each byte of the claimed elements: what is zero costs less
NOTHING = Multiplier(0, 0)

I8, I16, I32, I64 = DType.I8, DType.I16, DType.I32, DType.I64
END = Fin(I64)
IMAGES = [(I8, (16, 32), 55), (I32, (16, 32), 13), (I8, (2, 256), 31), (I8, (1, 512), 1)]
Make = Callable[..., Value]
Shape = tuple[DType, int, int]


@dataclass(frozen=True)
class Lie:
    """A proof that convicts, and the operator of the program that it is about."""

    claim: Claim
    proof: bytes
    program: Program
    operator: int


def lie(
    make: Make,
    *shapes: Shape,
    row: int = 0,
    col: int = 0,
    claimed: int | None = None,
    below: int | None = None,
) -> Lie:
    """Return the proof that element [row, col] of what `make` builds on operands is wrong.

    `claimed` is what the tensor is said to be full of; the last operand is taken modulo `below`.
    """
    rng, build = np.random.default_rng(1), Builder()
    arrays = [
        rng.integers(dtype.min, dtype.max, (rows, cols), dtype.numpy, endpoint=True)
        for dtype, rows, cols in shapes
    ]
    if below is not None:
        arrays[-1] %= below
    operands = [
        build.reshape(build.input(dtype, rows, cols), rows, cols) for dtype, rows, cols in shapes
    ]
    made = make(build, *operands)
    operator = len(shapes)
    for number in range(OPERATORS):
        build.constant(np.array([[number]], np.int64))
    build.output(made)
    for _ in range(OPERATORS - operator - 1):
        build.slice(made, 0, 0, 1, 1)
    program = build.build(Keep.ALL)
    type = program.ops[operator].output.type
    value = int.from_bytes([WRONG] * type.dtype.size) if claimed is None else claimed
    wrong = np.full((type.rows, type.cols), value, type.dtype.numpy)
    tensors: dict[int, Held] = {k: Whole(array) for k, array in enumerate([*arrays, wrong])}
    digests = {k: Whole(array).digest for k, array in enumerate([*arrays, wrong])}
    leaves = [digests.get(k, rng.bytes(32)) for k in range(OPERATORS)]
    tasks = Tree([rng.bytes(32) for _ in range(TASKS)])
    exhibits = Exhibits(program, tasks, 3, arrays, Trace(leaves), tensors)
    proof = prove_element(exhibits, operator, row, col)
    return Lie(exhibits.claim, proof, program, operator)


def matmul(inner: int, rows: int) -> Lie:
    """Return a lie in a product of rows of `inner` elements, with `rows` rows of weights."""
    return lie(
        lambda build, x: build.matmul(x, _weights(build, rows, inner), Fin(I8)),
        (I8, ROWS, inner),
        row=3,
        col=5,
    )


def dearest() -> dict[str, list[Lie]]:
    """Return for each operator but MATMUL lies as dear to show as a valid program allows, nearly.

    Where it depends on the shape which one that is, there are several.
    """
    wide, thin, column = (I64, ROWS, 2050), (I32, 1, 2050), (I32, ROWS, 1)
    bytes_ = (I8, ROWS, 16_400)
    return {
        "BMM": [lie(lambda b, x, y: b.bmm(x, y, 1, IDENTITY, END), *[(I8, ROWS, 16_384)] * 2)],
        "ADD": [lie(lambda b, x, y: b.add(x, y, END, ma=0, mb=0), wide, wide)],
        "MUL": [lie(lambda b, x, y: b.mul(x, y, NOTHING, END), *[(I32, ROWS, 2050)] * 2)],
        "REQUANT": [lie(lambda b, x: b.requant(x, NOTHING, END), (I32, ROWS, 2050))],
        "SCALE": [lie(lambda b, *x: b.scale(*x, NOTHING, END), (I16, ROWS, 2050), thin, thin)],
        "LUT8": [lie(lambda b, x, y: b.lut(x, y), (I8, ROWS, 2050), (I64, 1, 256))],
        "NORM": [lie(lambda b, x: b.norm(x, Fin(I16)), (I16, ROWS, 4096))],
        "ARGMAX": [lie(lambda b, x: b.argmax(x), wide, row=2, col=1005, claimed=WRONG)],
        "PICK": [lie(lambda b, x, y: b.pick(x, y), wide, column, below=2050)],
        "ROWSUM": [lie(lambda b, x: b.row_sum(x, END), (I16, ROWS, 8200)),
                   lie(lambda b, x: b.row_sum(x, END), bytes_)],
        "ROWSUMSQ": [lie(lambda b, x: b.row_sum_squares(x, END), bytes_)],
        "ISQRT": [lie(lambda b, x: b.isqrt(x, END), wide)],
        "DIV": [lie(lambda b, x, y: b.div(x, y, 1, END), wide, wide)],
        "GATHER": [lie(lambda b, x, y: b.gather(x, y), column, wide)],
        "CONV2D": [_conv(8, 512, (5, 5)), _conv(16, 58, (16, 16)), _conv(512, 1, (16, 512))],
        "DWCONV": [_by_channel("depthwise", *image) for image in IMAGES],
        "MAXPOOL": [_by_channel("max_pool", *image) for image in IMAGES],
        "AVGPOOL": [_by_channel("average_pool", *image) for image in IMAGES],
        "PERMUTE": [lie(lambda b, x: b.permute(x, [ROWS, 2050], [1, 0], 2050, ROWS), wide)],
        "SLICE": [lie(lambda b, x: b.slice(x, 0, 0, ROWS, 2050), wide)],
        "CONCAT": [lie(lambda b, x, y: b.concat_rows(x, y), wide, wide, row=ROWS)],
        "PAD": [lie(lambda b, x: b.pad(x, 0, 0, ROWS + 1, 2050), wide)],
    }  # fmt: skip


def _conv(extent: int, channels: int, kernel: tuple[int, int]) -> Lie:
    """A convolution in the second row, whose window lies within the image."""
    place = window((extent, extent, channels), kernel, pads=(1, 0, 1, 0))

    def make(build: Builder, x: Value) -> Value:
        weights = _weights(build, 1, kernel[0] * kernel[1] * channels)
        return build.conv(x, weights, place, END, za=5)

    return lie(make, (I8, ROWS // extent * extent, extent * channels), row=1)


def _by_channel(name: str, dtype: DType, kernel: tuple[int, int], channels: int) -> Lie:
    """A window of one channel's taps."""
    place = window((*kernel, channels), kernel)

    def make(build: Builder, x: Value) -> Value:
        if name == "max_pool":
            return build.max_pool(x, place)
        if name == "average_pool":
            return build.average_pool(x, place, NOTHING, END)
        return build.depthwise(x, _weights(build, channels, kernel[0] * kernel[1]), place, END)

    dtype = I8 if name == "depthwise" else dtype
    return lie(make, (dtype, ROWS // kernel[0] * kernel[0], kernel[1] * channels))


def _weights(build: Builder, rows: int, cols: int) -> Value:
    rng = np.random.default_rng(2)
    w = rng.integers(-128, 128, (rows, cols), np.int8)
    return build.weights(w, [3] * rows, [1] * rows, [0] * rows)
