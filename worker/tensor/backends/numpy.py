"""The NumPy backend: every operator on whole tensors, with nothing but NumPy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from worker.tensor.backends import numpy_linear as linear
from worker.tensor.backends import numpy_windows as windows
from worker.tensor.backends.blocks import blocks, by_blocks, new
from worker.tensor.backends.ending import Ending, clamped
from worker.tensor.backends.lookup import looked_up
from worker.tensor.numbers import Int64s
from worker.tensor.program import Op, Opcode, Ref
from worker.tensor.tensors import Array, Constant, Weights

_MAX_ROOT = 3_037_000_499  # ⌊√(2^63 - 1)⌋

Loaded = Array | linear.Ready


class NumpyBackend:
    """See worker.tensor.backends.base.Backend."""

    name = "numpy"
    uses_gpu = False

    def load(self, tensor: Constant) -> Loaded:
        """See Backend."""
        return linear.Ready.of(tensor) if isinstance(tensor, Weights) else tensor

    def compute(self, op: Op, operands: Sequence[Loaded]) -> Loaded:
        """See Backend."""
        return _COMPUTE[op.opcode](op, *operands)

    def fetch(self, tensor: Loaded) -> Array:
        """See Backend."""
        assert isinstance(tensor, np.ndarray)  # noqa: S101 - operators write no weights
        return tensor


def _operand(ref: Ref | None, tensor: Array, rows: slice) -> Array:
    """Return the rows of an elementwise operand that belong to rows of the output."""
    assert ref is not None  # noqa: S101 - a valid program's operator has its operands
    if ref.type.rows == 1:
        return tensor
    if ref.div <= 1 and rows.stop <= ref.type.rows:
        return tensor[rows]
    index = np.arange(rows.start, rows.stop) // max(ref.div, 1) % ref.type.rows
    return np.take(tensor, index, axis=0)


def _bound(tensor: Array, offset: int = 0) -> int:
    """Return a bound on the magnitude of elements less an offset."""
    return abs(offset) - int(np.iinfo(tensor.dtype).min)


def _add(op: Op, x: Array, y: Array) -> Array:
    bound = _bound(x) * abs(op.ma) + _bound(y) * abs(op.mb) + abs(op.c)
    end = Ending(op, 1, op.s, bound, plus=op.c)

    def compute(rows: slice) -> Any:
        left = np.multiply(_operand(op.a, x, rows), op.ma, dtype=end.dtype)
        return end(left + np.multiply(_operand(op.b, y, rows), op.mb, dtype=end.dtype))

    return by_blocks(op, compute)


def _mul(op: Op, x: Array, y: Array) -> Array:
    end = Ending(op, op.m, op.s, _bound(x, op.za) * _bound(y, op.zb))

    def compute(rows: slice) -> Any:
        left = np.subtract(_operand(op.a, x, rows), op.za, dtype=end.dtype)
        return end(left * np.subtract(_operand(op.b, y, rows), op.zb, dtype=end.dtype))

    return by_blocks(op, compute)


def _div(op: Op, x: Array, y: Array) -> Array:
    def compute(rows: slice) -> Any:
        divisor = _operand(op.b, y, rows).astype(np.int64)
        dividend = np.multiply(_operand(op.a, x, rows), op.c, dtype=np.int64)
        quotient = dividend // np.maximum(divisor, 1)
        return clamped(op, np.where(divisor > 0, quotient, 0))

    return by_blocks(op, compute)


def _requant(op: Op, x: Array) -> Array:
    end = Ending(op, op.m, op.s, _bound(x, op.c), plus=op.c)
    return by_blocks(op, lambda rows: end(x[rows]))


def _scale(op: Op, x: Array, gamma: Array, beta: Array) -> Array:
    bound = _bound(x) * _bound(gamma) + _bound(beta)
    end = Ending(op, op.m, op.s, bound, by=gamma[0], plus=beta[0])
    return by_blocks(op, lambda rows: end(x[rows]))


def _lut8(op: Op, x: Array, table: Array) -> Array:
    return looked_up(x, table[0])


def _isqrt_of(v: Int64s) -> Int64s:
    v = np.maximum(v, 0)
    root = np.minimum(np.sqrt(v.astype(np.float64)).astype(np.int64), _MAX_ROOT)
    root -= root * root > v  # a float's root is off by one at most
    root += v - root * root > 2 * root
    return root


def _isqrt(op: Op, x: Array) -> Array:
    return by_blocks(op, lambda rows: clamped(op, _isqrt_of(x[rows].astype(np.int64))))


def _norm(op: Op, x: Array) -> Array:
    """Floats here are exact: |N·x - S|·R < 2^47, and a power of two divides without error."""
    cols = x.shape[1]
    out = new(op)
    for rows in blocks(*x.shape):
        v = x[rows].astype(np.float64)
        total, squares = v.sum(axis=1).astype(np.int64), _square_sums(v)
        variance = np.maximum(cols * squares - total * total + op.c, 0)
        reciprocal = (1 << 40) // np.maximum(_isqrt_of(variance), 8)
        v *= cols
        v -= total[:, None]
        v *= reciprocal[:, None] * 2.0**-32
        out[rows] = clamped(op, np.floor(v, out=v).astype(np.int64))
    return out


def _square_sums(v: Any) -> Int64s:
    """Return the sums of rows' squares; floats are exact below 2^53."""
    sums: Int64s = np.einsum("rc,rc->r", v, v).astype(np.int64)
    return sums


def _rowsum(op: Op, x: Array) -> Array:
    sums = x.sum(axis=1, dtype=np.int64, keepdims=True)
    return _column(op, sums, x.shape[1] * _bound(x))


def _rowsumsq(op: Op, x: Array) -> Array:
    sums = [_square_sums(x[rows].astype(np.float64)) for rows in blocks(*x.shape)]
    return _column(op, np.concatenate(sums)[:, None], x.shape[1] * _bound(x) ** 2)


def _column(op: Op, sums: Int64s, bound: int) -> Array:
    end = Ending(op, op.m, op.s, bound)
    return by_blocks(op, lambda rows: end(sums[rows]))


def _argmax(op: Op, x: Array) -> Array:
    out = new(op)
    out[:, 0] = x.argmax(axis=1)
    return out


def _pick(op: Op, x: Array, index: Array) -> Array:
    inside = (index >= 0) & (index < x.shape[1])
    out = new(op)
    out[:] = np.take_along_axis(x, np.where(inside, index, 0), axis=1)
    out[~inside] = 0
    return out


def _gather(op: Op, index: Array, table: Array) -> Array:
    rows = index[:, 0]
    inside = (rows >= 0) & (rows < len(table))
    found: Array = table[np.where(inside, rows, 0)]
    return found


def _permute(op: Op, x: Array) -> Array:
    dims, order = op.geometry[:4], op.geometry[4:8]
    shape = op.output.type.rows, op.output.type.cols
    return np.ascontiguousarray(x.reshape(dims).transpose(order).reshape(shape))


def _slice(op: Op, x: Array) -> Array:
    row, col = op.geometry[:2]
    return x[row : row + op.output.type.rows, col : col + op.output.type.cols].copy()


def _concat(op: Op, x: Array, y: Array) -> Array:
    return np.concatenate([x, y], axis=op.geometry[0])


def _pad(op: Op, x: Array) -> Array:
    row, col = op.geometry[:2]
    out = new(op)
    out[:] = op.c
    out[row : row + x.shape[0], col : col + x.shape[1]] = x
    return out


_COMPUTE: dict[Opcode, Callable[..., Array]] = {
    Opcode.MATMUL: linear.matmul,
    Opcode.BMM: linear.bmm,
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
    Opcode.CONV2D: windows.conv2d,
    Opcode.DWCONV: windows.dwconv,
    Opcode.MAXPOOL: windows.maxpool,
    Opcode.AVGPOOL: windows.avgpool,
    Opcode.PERMUTE: _permute,
    Opcode.SLICE: _slice,
    Opcode.CONCAT: _concat,
    Opcode.PAD: _pad,
}
