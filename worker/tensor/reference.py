"""The reference: one element of any operator, in plain integers, as docs/tensor.md §4 words it.

It is written to be compared with the specification, not to be fast. Backends are tested against it,
and the courts' contracts too.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from worker.tensor.numbers import fin, isqrt, rq
from worker.tensor.program import Op, Opcode, Ref
from worker.tensor.tensors import Array, Constant, Weights


class Reader(Protocol):
    """Where an operator's operands are read, an element at a time."""

    def at(self, operand: str, row: int, col: int) -> int:
        """Return an element of operand "a", "b" or "d"; of weights, the weight."""

    def tail(self, row: int) -> tuple[int, int, int]:
        """Return (b, m, s) of a row of operand b, which is weights."""


class Operands:
    """A reader of whole tensors."""

    def __init__(self, *operands: Constant) -> None:
        """Take a, b and d, as many as there are."""
        self._tensors = dict(zip("abd", operands, strict=False))

    def at(self, operand: str, row: int, col: int) -> int:
        """See Reader."""
        tensor = self._tensors[operand]
        return int(tensor.w[row, col] if isinstance(tensor, Weights) else tensor[row, col])

    def tail(self, row: int) -> tuple[int, int, int]:
        """See Reader."""
        weights = self._tensors["b"]
        if not isinstance(weights, Weights):
            raise TypeError("operand b has no tails")
        return int(weights.b[row]), int(weights.m[row]), int(weights.s[row])


def element(op: Op, r: int, c: int, read: Reader) -> int:
    """Return element [r, c] of what a valid program's operator writes."""
    return _ELEMENT[op.opcode](op, r, c, read)


def tensor(op: Op, *operands: Constant) -> Array:
    """Return all that an operator writes."""
    read, type = Operands(*operands), op.output.type
    rows = [[element(op, r, c, read) for c in range(type.cols)] for r in range(type.rows)]
    return np.array(rows, type.dtype.numpy)


class ReferenceBackend:
    """The reference as a backend, for small tensors. See worker.tensor.backends.base.Backend."""

    name = "reference"
    uses_gpu = False

    def load(self, tensor: Constant) -> Constant:
        """See Backend."""
        return tensor

    def compute(self, op: Op, operands: Sequence[Constant]) -> Constant:
        """See Backend."""
        return tensor(op, *operands)

    def fetch(self, tensor: Constant) -> Array:
        """See Backend."""
        assert not isinstance(tensor, Weights)  # noqa: S101 - operators write no weights
        return tensor


def _fin(op: Op, v: int) -> int:
    return fin(v, op.zp, op.lo, op.hi)


def _rq(op: Op, v: int) -> int:
    return _fin(op, rq(v, op.m, op.s))


def _broadcast(op: Op, operand: str, r: int, c: int, read: Reader) -> int:
    """Read an operand of an elementwise operator."""
    ref: Ref = getattr(op, operand)
    row = r // max(ref.div, 1) % ref.type.rows
    return read.at(operand, row, 0 if ref.type.cols == 1 else c)


def _row(op: Op, r: int, read: Reader) -> list[int]:
    return [read.at("a", r, k) for k in range(op.a.type.cols)]


def _matmul(op: Op, r: int, c: int, read: Reader) -> int:
    b, m, s = read.tail(c)
    products = (read.at("a", r, k) * read.at("b", c, k) for k in range(op.a.type.cols))
    return _fin(op, rq(sum(products) + b, m, s))


def _bmm(op: Op, r: int, c: int, read: Reader) -> int:
    groups = op.geometry[0]
    group = r // (op.a.type.rows // groups)
    row = group * op.output.type.cols + c
    products = (read.at("a", r, k) * read.at("b", row, k) for k in range(op.a.type.cols))
    return _rq(op, sum(products))


def _add(op: Op, r: int, c: int, read: Reader) -> int:
    x, y = _broadcast(op, "a", r, c, read), _broadcast(op, "b", r, c, read)
    return _fin(op, rq(x * op.ma + y * op.mb + op.c, 1, op.s))


def _mul(op: Op, r: int, c: int, read: Reader) -> int:
    x, y = _broadcast(op, "a", r, c, read), _broadcast(op, "b", r, c, read)
    return _rq(op, (x - op.za) * (y - op.zb))


def _requant(op: Op, r: int, c: int, read: Reader) -> int:
    return _rq(op, read.at("a", r, c) + op.c)


def _scale(op: Op, r: int, c: int, read: Reader) -> int:
    return _rq(op, read.at("a", r, c) * read.at("b", 0, c) + read.at("d", 0, c))


def _lut8(op: Op, r: int, c: int, read: Reader) -> int:
    return read.at("b", 0, read.at("a", r, c) + 128)


def _norm(op: Op, r: int, c: int, read: Reader) -> int:
    row = _row(op, r, read)
    n, total, squares = len(row), sum(row), sum(x * x for x in row)
    variance = max(0, n * squares - total * total + op.c)
    reciprocal = (1 << 40) // max(8, isqrt(variance))
    return _fin(op, ((n * row[c] - total) * reciprocal) >> 32)


def _argmax(op: Op, r: int, c: int, read: Reader) -> int:
    row = _row(op, r, read)
    return row.index(max(row))


def _pick(op: Op, r: int, c: int, read: Reader) -> int:
    index = read.at("b", r, 0)
    return read.at("a", r, index) if 0 <= index < op.a.type.cols else 0


def _rowsum(op: Op, r: int, c: int, read: Reader) -> int:
    return _rq(op, sum(_row(op, r, read)))


def _rowsumsq(op: Op, r: int, c: int, read: Reader) -> int:
    return _rq(op, sum(x * x for x in _row(op, r, read)))


def _isqrt(op: Op, r: int, c: int, read: Reader) -> int:
    return _fin(op, isqrt(read.at("a", r, c)))


def _div(op: Op, r: int, c: int, read: Reader) -> int:
    x, y = _broadcast(op, "a", r, c, read), _broadcast(op, "b", r, c, read)
    return _fin(op, x * op.c // y if y > 0 else 0)


def _gather(op: Op, r: int, c: int, read: Reader) -> int:
    index = read.at("a", r, 0)
    assert op.b is not None  # noqa: S101 - a valid program's GATHER has a table
    return read.at("b", index if 0 <= index < op.b.type.rows else 0, c)


def _taps(op: Op, r: int, v: int) -> Iterator[tuple[int, int, int | None]]:
    """Yield (i·kw + j, row of a, column w of the image), the column None outside the image."""
    g = op.window
    image, h = divmod(r, g.out_height)
    for i in range(g.kernel_height):
        for j in range(g.kernel_width):
            y, x = h * g.stride_height + i - g.pad_top, v * g.stride_width + j - g.pad_left
            inside = 0 <= y < g.height and 0 <= x < g.width
            yield i * g.kernel_width + j, image * g.height + y, x if inside else None


def _pixel(op: Op, row: int, x: int | None, channel: int, outside: int, read: Reader) -> int:
    return outside if x is None else read.at("a", row, x * op.window.channels + channel)


def _conv2d(op: Op, r: int, c: int, read: Reader) -> int:
    channels = op.window.channels
    v, o = divmod(c, op.output.type.cols // op.window.out_width)
    b, m, s = read.tail(o)
    total = sum(
        _pixel(op, row, x, k, op.za, read) * read.at("b", o, tap * channels + k)
        for tap, row, x in _taps(op, r, v)
        for k in range(channels)
    )
    return _fin(op, rq(total + b, m, s))


def _dwconv(op: Op, r: int, c: int, read: Reader) -> int:
    v, k = divmod(c, op.window.channels)
    b, m, s = read.tail(k)
    total = sum(
        _pixel(op, row, x, k, op.za, read) * read.at("b", k, tap) for tap, row, x in _taps(op, r, v)
    )
    return _fin(op, rq(total + b, m, s))


def _maxpool(op: Op, r: int, c: int, read: Reader) -> int:
    v, k = divmod(c, op.window.channels)
    taps = _taps(op, r, v)
    return max(_pixel(op, row, x, k, 0, read) for _, row, x in taps if x is not None)


def _avgpool(op: Op, r: int, c: int, read: Reader) -> int:
    v, k = divmod(c, op.window.channels)
    return _rq(op, sum(_pixel(op, row, x, k, 0, read) for _, row, x in _taps(op, r, v)))


def _permute(op: Op, r: int, c: int, read: Reader) -> int:
    dims, order = op.geometry[:4], op.geometry[4:8]
    place = r * op.output.type.cols + c
    at = [0] * 4
    for axis in reversed(order):
        place, at[axis] = divmod(place, dims[axis])
    flat = 0
    for size, index in zip(dims, at, strict=True):
        flat = flat * size + index
    return read.at("a", *divmod(flat, op.a.type.cols))


def _slice(op: Op, r: int, c: int, read: Reader) -> int:
    return read.at("a", r + op.geometry[0], c + op.geometry[1])


def _concat(op: Op, r: int, c: int, read: Reader) -> int:
    if op.geometry[0] == 0:
        rows = op.a.type.rows
        return read.at("a", r, c) if r < rows else read.at("b", r - rows, c)
    cols = op.a.type.cols
    return read.at("a", r, c) if c < cols else read.at("b", r, c - cols)


def _pad(op: Op, r: int, c: int, read: Reader) -> int:
    row, col = r - op.geometry[0], c - op.geometry[1]
    inside = 0 <= row < op.a.type.rows and 0 <= col < op.a.type.cols
    return read.at("a", row, col) if inside else op.c


_ELEMENT: dict[Opcode, Callable[[Op, int, int, Reader], int]] = {
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
