"""The NumPy backend: every operator on whole tensors, with nothing but NumPy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from worker.tensor.backends import numpy_linear as linear
from worker.tensor.backends import numpy_windows as windows
from worker.tensor.backends.blocks import blocks, by_blocks, clamped, finished, new, scaled, wide
from worker.tensor.numbers import Int64s
from worker.tensor.program import Op, Opcode, Ref
from worker.tensor.tensors import Array, Constant

_MAX_ROOT = 3_037_000_499  # ⌊√(2^63 - 1)⌋


class NumpyBackend:
    """See worker.tensor.backends.base.Backend."""

    name = "numpy"

    def load(self, tensor: Constant) -> Constant:
        """See Backend."""
        return tensor

    def compute(self, op: Op, operands: Sequence[Constant]) -> Constant:
        """See Backend."""
        return _COMPUTE[op.opcode](op, *operands)

    def fetch(self, tensor: Constant) -> Array:
        """See Backend."""
        assert isinstance(tensor, np.ndarray)  # noqa: S101 - operators write no weights
        return tensor


def _operand(ref: Ref | None, tensor: Array, rows: slice) -> Int64s:
    """Return a copy of the rows of an elementwise operand that belong to rows of the output."""
    assert ref is not None  # noqa: S101 - a valid program's operator has its operands
    if ref.type.rows == 1:
        return wide(tensor)
    if ref.div <= 1 and rows.stop <= ref.type.rows:
        return wide(tensor[rows])
    index = np.arange(rows.start, rows.stop) // max(ref.div, 1) % ref.type.rows
    return wide(tensor[index])


def _add(op: Op, x: Array, y: Array) -> Array:
    def compute(rows: slice) -> Int64s:
        left, right = _operand(op.a, x, rows), _operand(op.b, y, rows)
        total = left * op.ma + right * op.mb + op.c
        return clamped(op, scaled(total, 1, op.s))

    return by_blocks(op, compute)


def _mul(op: Op, x: Array, y: Array) -> Array:
    def compute(rows: slice) -> Int64s:
        left, right = _operand(op.a, x, rows) - op.za, _operand(op.b, y, rows) - op.zb
        return finished(op, left * right)

    return by_blocks(op, compute)


def _div(op: Op, x: Array, y: Array) -> Array:
    def compute(rows: slice) -> Int64s:
        divisor = _operand(op.b, y, rows)
        quotient = _operand(op.a, x, rows) * op.c // np.maximum(divisor, 1)
        return clamped(op, np.where(divisor > 0, quotient, 0))

    return by_blocks(op, compute)


def _requant(op: Op, x: Array) -> Array:
    return by_blocks(op, lambda rows: finished(op, wide(x[rows]) + op.c))


def _scale(op: Op, x: Array, gamma: Array, beta: Array) -> Array:
    by, plus = wide(gamma), wide(beta)
    return by_blocks(op, lambda rows: finished(op, wide(x[rows]) * by + plus))


def _lut8(op: Op, x: Array, table: Array) -> Array:
    by_byte = np.roll(table[0], 128)  # entry x + 128 moves to x as an unsigned byte
    return by_byte[x.view(np.uint8)]


def _isqrt_of(v: Int64s) -> Int64s:
    v = np.maximum(v, 0)
    root = np.minimum(np.sqrt(v.astype(np.float64)).astype(np.int64), _MAX_ROOT)
    root -= root * root > v  # a float's root is off by one at most
    root += v - root * root > 2 * root
    return root


def _isqrt(op: Op, x: Array) -> Array:
    return by_blocks(op, lambda rows: clamped(op, _isqrt_of(wide(x[rows]))))


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
    out = new(op)
    out[:] = finished(op, sums)
    return out


def _rowsumsq(op: Op, x: Array) -> Array:
    out = new(op)
    for rows in blocks(*x.shape):
        sums = _square_sums(x[rows].astype(np.float64))
        out[rows, 0] = finished(op, sums)
    return out


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
