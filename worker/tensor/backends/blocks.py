"""Elementwise arithmetic in int64, a block of rows at a time, so that all steps hit the cache."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from worker.tensor.numbers import Int64s
from worker.tensor.program import Op
from worker.tensor.tensors import Array

BLOCK = 1 << 15
"""Elements of a block: 256 KiB of int64."""


def blocks(rows: int, cols: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices of rows of about `size` elements, which cover all rows."""
    step = max(1, size // cols)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def new(op: Op) -> Array:
    """Return memory for an operator's tensor."""
    type = op.output.type
    return np.empty((type.rows, type.cols), type.dtype.numpy)


def by_blocks(op: Op, compute: Callable[[slice], Int64s]) -> Array:
    """Return an operator's tensor from a function that gives the clamped int64s of some rows."""
    out = new(op)
    for rows in blocks(*out.shape):
        out[rows] = compute(rows)
    return out


def scaled(v: Int64s, m: Any, s: Any) -> Int64s:
    """Return rq(v, m, s), computed in v itself; m and s are numbers or one for each column."""
    if not (np.ndim(m) == 0 and m == 1):
        v *= m
    if not (np.ndim(s) == 0 and s == 0):
        v += (np.int64(1) << s) >> 1
        v >>= s
    return v


def clamped(op: Op, v: Int64s) -> Int64s:
    """Return fin(v), computed in v itself."""
    if op.zp:
        v += op.zp
    np.maximum(v, op.lo, out=v)
    np.minimum(v, op.hi, out=v)
    return v


def finished(op: Op, v: Int64s) -> Int64s:
    """Return fin(rq(v, m, s)) with the operator's own m and s, computed in v itself."""
    return clamped(op, scaled(v, op.m, op.s))


def wide(tensor: Array) -> Int64s:
    """Return a copy in int64."""
    return tensor.astype(np.int64)
