"""Small programs around one operator, random or at the extremes of their types.

Backends test themselves on them when a worker starts, and so do the tests of backends and courts.
Every case is a valid program whose last operator is the one asked for.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from worker.tensor.build import Builder, Fin, Keep, Value, window
from worker.tensor.numbers import IDENTITY, Multiplier
from worker.tensor.program import Opcode, Program, Window
from worker.tensor.tensors import Array, DType

_NARROW = (DType.I8, DType.I16, DType.I32)
_ALL = (*_NARROW, DType.I64)
_SIZES = (1, 2, 3, 5, 8, 17, 40, 130, 300, 1030)
_MAX_ELEMENTS = 1 << 13
_SMALL = 1 << 20  # a bound under which sums and products of 64-bit numbers are safe


@dataclass(frozen=True)
class Case:
    """A program and inputs for it."""

    program: Program
    inputs: list[Array]


def case(opcode: Opcode, seed: int, extreme: bool = False) -> Case:
    """Return the case of an operator and a seed; an extreme one has only extreme elements."""
    draw = _Draw(seed, extreme)
    value = _MAKE[opcode](draw)
    if not draw.inputs:
        draw.tensor(DType.I8, 1, 1)
    draw.build.output(value)
    return Case(draw.build.build(Keep.ALL), draw.inputs)


class _Draw:
    """A builder with a source of choices."""

    def __init__(self, seed: int, extreme: bool) -> None:
        self.build = Builder()
        self.inputs: list[Array] = []
        self.random = random.Random(seed)  # noqa: S311 - cases, not secrets
        self._arrays = np.random.default_rng(seed)
        self._extreme = extreme

    def size(self, limit: int = _MAX_ELEMENTS) -> int:
        """Return a number of rows or columns."""
        return self.random.choice([size for size in _SIZES if size <= limit])

    def shape(self, limit: int = _MAX_ELEMENTS) -> tuple[int, int]:
        """Return rows and columns of at most `limit` elements."""
        rows = self.size(limit)
        cols = self.size(limit // rows)
        return (rows, cols) if self.random.random() < 0.5 else (cols, rows)

    def dtype(self, *dtypes: DType) -> DType:
        """Return one of the types."""
        return self.random.choice(dtypes)

    def _elements(self, lo: int, hi: int, shape: tuple[int, ...]) -> Array:
        if not self._extreme:
            return self._arrays.integers(lo, hi, shape, np.int64, endpoint=True)
        some = self.random.choice([[lo], [hi], [lo, hi], [lo, hi, 0, 1, -1]])
        return self._arrays.choice(np.array(some, np.int64), shape)

    def tensor(self, dtype: DType, rows: int, cols: int) -> Value:
        """Return an input with any elements of its type."""
        elements = self._elements(dtype.min, dtype.max, (rows, cols))
        self.inputs.append(elements.astype(dtype.numpy))
        return self.build.input(dtype, rows, cols)

    def safe(self, dtype: DType, rows: int, cols: int) -> Value:
        """Return an input, or a constant of small elements where an input's could overflow."""
        if dtype is not DType.I64:
            return self.tensor(dtype, rows, cols)
        return self.within(dtype, -_SMALL, _SMALL, rows, cols)

    def within(self, dtype: DType, lo: int, hi: int, rows: int, cols: int) -> Value:
        """Return a constant whose elements lie in [lo, hi]."""
        return self.build.constant(self._elements(lo, hi, (rows, cols)).astype(dtype.numpy))

    def weights(self, rows: int, cols: int) -> Value:
        """Return weights whose multipliers bring sums to all sizes."""
        by = [self.multiplier((cols << 14) + (1 << 16)) for _ in range(rows)]
        bias = self._elements(-(1 << 16), 1 << 16, (rows,))
        weights = self._elements(-128, 127, (rows, cols))
        return self.build.weights(weights, bias, [m for m, _ in by], [s for _, s in by])

    def multiplier(self, bound: int) -> Multiplier:
        """Return a multiplier that is safe for numbers up to `bound`."""
        kind = self.random.random()
        if kind < 0.1:
            return IDENTITY
        if kind < 0.15:
            return Multiplier(0, self.random.randrange(62))
        if kind < 0.3 or bound > 1 << 31:
            return Multiplier(1, self.random.randrange(bound.bit_length() + 1))
        shift = 31 + bound.bit_length() - self.random.randrange(4, 16)
        return Multiplier(self.random.randrange(1 << 30, 1 << 31), min(max(shift, 0), 61))

    def fin(self, *dtypes: DType) -> Fin:
        """Return an end in one of the types."""
        dtype = self.dtype(*(dtypes or _ALL))
        if self.random.random() < 0.5:
            return Fin(dtype)
        lo, hi = sorted(self.random.randint(dtype.min, dtype.max) for _ in range(2))
        return Fin(dtype, self.random.randint(-200, 200), lo, hi)

    def window(self) -> tuple[int, Window]:
        """Return a number of images and a window that slides over them."""
        pick = self.random.randint
        image = pick(1, 9), pick(1, 9), pick(1, 5)
        kernel = pick(1, 4), pick(1, 4)
        top, bottom = self._pads(image[0], kernel[0])
        left, right = self._pads(image[1], kernel[1])
        return pick(1, 3), window(
            image, kernel, (pick(1, 3), pick(1, 3)), (top, left, bottom, right)
        )

    def _pads(self, extent: int, kernel: int) -> tuple[int, int]:
        before = self.random.randint(0, kernel - 1)
        return before, self.random.randint(max(0, kernel - extent - before), kernel - 1)


def _matmul(draw: _Draw) -> Value:
    rows, cols = draw.shape(256)
    inner = draw.size()
    x = draw.tensor(DType.I8, rows, inner)
    return draw.build.matmul(x, draw.weights(cols, inner), draw.fin())


def _bmm(draw: _Draw) -> Value:
    groups, rows, cols, inner = draw.size(5), draw.size(20), draw.size(20), draw.size()
    x = draw.tensor(DType.I8, groups * rows, inner)
    y = draw.tensor(DType.I8, groups * cols, inner)
    return draw.build.bmm(x, y, groups, draw.multiplier(inner << 14), draw.fin())


def _elementwise(
    draw: _Draw, make: Callable[[DType, int, int], Value]
) -> tuple[Value, Value, tuple[int, int]]:
    """Return two operands that broadcast to one shape, and their divs."""
    rows, cols = draw.shape(_MAX_ELEMENTS // 8)
    kind = draw.random.randrange(5)
    shapes = [(rows, cols), (1, cols), (rows, 1), (rows, cols), (1, 1)]
    other = shapes[kind]
    divs = (0, 0)
    if kind == 3:  # each row of y serves several rows, and all of y comes round again
        repeat, around = draw.random.randint(1, 4), draw.random.randint(1, 2)
        other, divs = (rows, draw.random.choice([1, cols])), (0, repeat)
        rows *= repeat * around
    x = make(draw.dtype(*_ALL), rows, cols)
    y = make(draw.dtype(*_ALL), *other)
    return (x, y, divs) if draw.random.random() < 0.5 else (y, x, divs[::-1])


def _add(draw: _Draw) -> Value:
    x, y, divs = _elementwise(draw, draw.safe)
    ma, mb = (
        draw.random.choice([1, -1, 0, draw.random.randint(-(1 << 28), 1 << 28)]) for _ in "ab"
    )
    c, s = draw.random.randint(-(1 << 40), 1 << 40), draw.random.randrange(40)
    return draw.build.add(x, y, draw.fin(), ma=ma, mb=mb, c=c, s=s, divs=divs)


def _mul(draw: _Draw) -> Value:
    x, y, divs = _elementwise(draw, draw.safe)
    za, zb = (draw.random.choice([0, draw.random.randint(-300, 300)]) for _ in "ab")
    bound = (_reach(x) + 300) * (_reach(y) + 300)
    by = IDENTITY if bound >= 1 << 62 else draw.multiplier(bound)
    if bound >= 1 << 62:
        za = zb = 0
    return draw.build.mul(x, y, by, draw.fin(), za=za, zb=zb, divs=divs)


def _div(draw: _Draw) -> Value:
    x, y, divs = _elementwise(draw, draw.tensor)
    c, fin = draw.random.randint(-(1 << 31), 1 << 31), draw.fin()
    if x.type.dtype is DType.I64:  # anything more would leave i64
        c, fin = 1, replace(fin, zp=0)
    return draw.build.div(x, y, c, fin, divs=divs)


def _reach(value: Value) -> int:
    return _SMALL if value.type.dtype is DType.I64 else -value.type.dtype.min


def _requant(draw: _Draw) -> Value:
    x = draw.safe(draw.dtype(*_ALL), *draw.shape())
    c = draw.random.choice([0, draw.random.randint(-1000, 1000)])
    return draw.build.requant(x, draw.multiplier(_reach(x) + 1000), draw.fin(), c)


def _scale(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(DType.I8, DType.I16), *draw.shape())
    gamma = draw.within(DType.I32, -(1 << 15), (1 << 15) - 1, 1, x.cols)
    beta = draw.within(DType.I32, -(1 << 30), 1 << 30, 1, x.cols)
    by = draw.multiplier(_reach(x) * (1 << 15) + (1 << 30))
    return draw.build.scale(x, gamma, beta, by, draw.fin())


def _lut8(draw: _Draw) -> Value:
    x = draw.tensor(DType.I8, *draw.shape())
    return draw.build.lut(x, draw.tensor(draw.dtype(*_ALL), 1, 256))


def _norm(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(DType.I8, DType.I16), *draw.shape())
    return draw.build.norm(x, draw.fin(), draw.random.choice([0, draw.random.randrange(1 << 40)]))


def _argmax(draw: _Draw) -> Value:
    return draw.build.argmax(draw.tensor(draw.dtype(*_ALL), *draw.shape()))


def _pick(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(*_ALL), *draw.shape())
    return draw.build.pick(x, draw.within(DType.I32, -1, x.cols, x.rows, 1))


def _rowsum(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(*_NARROW), *draw.shape())
    return draw.build.row_sum(x, draw.fin(), draw.multiplier(_reach(x) * x.cols))


def _rowsumsq(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(DType.I8, DType.I16), *draw.shape())
    return draw.build.row_sum_squares(x, draw.fin(), draw.multiplier(_reach(x) ** 2 * x.cols))


def _isqrt(draw: _Draw) -> Value:
    return draw.build.isqrt(draw.tensor(draw.dtype(*_ALL), *draw.shape()), draw.fin())


def _gather(draw: _Draw) -> Value:
    table = draw.tensor(draw.dtype(*_ALL), *draw.shape())
    index = draw.within(draw.dtype(DType.I16, DType.I64), -1, table.rows, draw.size(40), 1)
    return draw.build.gather(index, table)


def _images(draw: _Draw, *dtypes: DType) -> tuple[Value, Window]:
    images, g = draw.window()
    rows, cols = images * g.height, g.width * g.channels
    return draw.tensor(draw.dtype(*dtypes), rows, cols), g


def _conv2d(draw: _Draw) -> Value:
    x, g = _images(draw, DType.I8)
    w = draw.weights(draw.random.randint(1, 5), g.kernel_height * g.kernel_width * g.channels)
    return draw.build.conv(x, w, g, draw.fin(), draw.random.randint(-128, 127))


def _dwconv(draw: _Draw) -> Value:
    x, g = _images(draw, DType.I8)
    w = draw.weights(g.channels, g.kernel_height * g.kernel_width)
    return draw.build.depthwise(x, w, g, draw.fin(), draw.random.randint(-128, 127))


def _maxpool(draw: _Draw) -> Value:
    return draw.build.max_pool(*_images(draw, *_ALL))


def _avgpool(draw: _Draw) -> Value:
    x, g = _images(draw, *_NARROW)
    bound = _reach(x) * g.kernel_height * g.kernel_width
    return draw.build.average_pool(x, g, draw.multiplier(bound), draw.fin())


def _permute(draw: _Draw) -> Value:
    dims = [draw.random.randint(1, 7) for _ in range(draw.random.randint(1, 4))]
    sizes = [dims[0], int(np.prod(dims[1:]))]
    x = draw.tensor(draw.dtype(*_ALL), *draw.random.sample(sizes, 2))
    order = draw.random.sample(range(len(dims)), len(dims))
    return draw.build.permute(x, dims, order, *draw.random.sample(sizes, 2))


def _slice(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(*_ALL), *draw.shape())
    row, col = draw.random.randrange(x.rows), draw.random.randrange(x.cols)
    rows, cols = draw.random.randint(1, x.rows - row), draw.random.randint(1, x.cols - col)
    return draw.build.slice(x, row, col, rows, cols)


def _concat(draw: _Draw) -> Value:
    dtype, (rows, cols) = draw.dtype(*_ALL), draw.shape(_MAX_ELEMENTS // 8)
    x = draw.tensor(dtype, rows, cols)
    if draw.random.random() < 0.5:
        return draw.build.concat_rows(x, draw.tensor(dtype, draw.size(40), cols))
    return draw.build.concat_cols(x, draw.tensor(dtype, rows, draw.size(40)))


def _pad(draw: _Draw) -> Value:
    x = draw.tensor(draw.dtype(*_ALL), *draw.shape(_MAX_ELEMENTS // 8))
    row, col, below, right = (draw.random.randrange(4) for _ in range(4))
    c = draw.random.randint(x.type.dtype.min, x.type.dtype.max)
    return draw.build.pad(x, row, col, row + x.rows + below, col + x.cols + right, c)


_MAKE: dict[Opcode, Callable[[_Draw], Value]] = {
    Opcode.MATMUL: _matmul,
    Opcode.BMM: _bmm,
    Opcode.ADD: _add,
    Opcode.MUL: _mul,
    Opcode.REQUANT: _requant,
    Opcode.SCALE: _scale,
    Opcode.LUT8: _lut8,
    Opcode.NORM: _norm,
    Opcode.ARGMAX: _argmax,
    Opcode.PICK: _pick,
    Opcode.ROWSUM: _rowsum,
    Opcode.ROWSUMSQ: _rowsumsq,
    Opcode.ISQRT: _isqrt,
    Opcode.DIV: _div,
    Opcode.GATHER: _gather,
    Opcode.CONV2D: _conv2d,
    Opcode.DWCONV: _dwconv,
    Opcode.MAXPOOL: _maxpool,
    Opcode.AVGPOOL: _avgpool,
    Opcode.PERMUTE: _permute,
    Opcode.SLICE: _slice,
    Opcode.CONCAT: _concat,
    Opcode.PAD: _pad,
}
