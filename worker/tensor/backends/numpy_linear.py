"""Exact int8 products on the float32 units.

A float32 sum of 1024 products of int8 is at most 1024·128² = 2^24, so it is exact in any order of
summation: whatever BLAS does, the bits are the same. Longer sums are cut at 1024 and added up in
int64.
"""

import numpy as np
from numpy.typing import NDArray

from worker.tensor.backends.blocks import blocks, clamped, new, scaled
from worker.tensor.numbers import Int64s
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Weights

_EXACT = 1024
"""Products that a float32 sums up without error."""

_TILE = 1 << 19
"""Elements of the products that are held at a time."""

Floats = NDArray[np.float32]


def matmul(op: Op, x: Array, weights: Weights) -> Array:
    """Return MATMUL."""
    out = new(op)
    Layer(op, weights).write(x, out)
    return out


class Layer:
    """Weights made ready for products, with all that ends an operator."""

    def __init__(self, op: Op, weights: Weights) -> None:
        """Convert the weights once."""
        self._op = op
        self._w = weights.w.astype(np.float32)
        self._b = weights.b.astype(np.int64)
        self._m, self._s = weights.m.astype(np.int64), weights.s.astype(np.int64)

    def write(self, x: Array, out: Array) -> None:
        """Write to each row of `out` what a row of x gives with all rows of the weights."""
        rows, cols = out.shape
        for tile in blocks(rows, cols, _TILE):
            products = products_of(x[tile].astype(np.float32), self._w)
            part = out[tile]
            for some in blocks(len(part), cols):
                v = products[some].astype(np.int64)
                v += self._b
                part[some] = clamped(self._op, scaled(v, self._m, self._s))


def bmm(op: Op, x: Array, y: Array) -> Array:
    """Return BMM."""
    groups = op.geometry[0]
    out = new(op)
    lefts, rights = x.reshape(groups, -1, x.shape[1]), y.reshape(groups, -1, y.shape[1])
    results = out.reshape(groups, -1, out.shape[1])
    for tile in blocks(groups, results[0].size, _TILE):
        left, right = lefts[tile].astype(np.float32), rights[tile].astype(np.float32)
        products = products_of(left, right).reshape(-1, out.shape[1])
        done = results[tile].reshape(-1, out.shape[1])
        for rows in blocks(*products.shape):
            done[rows] = clamped(op, scaled(products[rows].astype(np.int64), op.m, op.s))
    return out


def products_of(x: Floats, y: Floats) -> Floats | Int64s:
    """Return x·yᵀ of whole int8 numbers, exactly; leading dimensions are groups."""
    if x.shape[-1] <= _EXACT:
        return x @ y.swapaxes(-1, -2)
    total = np.zeros((*x.shape[:-1], y.shape[-2]), np.int64)
    for start in range(0, x.shape[-1], _EXACT):
        part = slice(start, start + _EXACT)
        total += (x[..., part] @ y[..., part].swapaxes(-1, -2)).astype(np.int32)
    return total
