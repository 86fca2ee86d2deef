"""Whole tensors a block of rows at a time, so that all steps of an operator hit the cache."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from worker.tensor.program import Op
from worker.tensor.tensors import Array

BLOCK = 1 << 16
"""Elements of a block: 512 KiB of int64 or float64."""


def blocks(rows: int, cols: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices of rows of about `size` elements, which cover all rows."""
    step = max(1, size // cols)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def new(op: Op) -> Array:
    """Return memory for an operator's tensor."""
    type = op.output.type
    return np.empty((type.rows, type.cols), type.dtype.numpy)


def by_blocks(op: Op, compute: Callable[[slice], Any]) -> Array:
    """Return an operator's tensor from a function that gives the finished numbers of some rows."""
    out = new(op)
    for rows in blocks(*out.shape):
        np.copyto(out[rows], compute(rows), casting="unsafe")  # whole numbers of any type
    return out
