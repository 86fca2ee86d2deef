"""Exact int8 products on the float32 units.

A float32 sum of 1024 products of int8 is at most 1024·128² = 2^24, so it is exact in any order of
summation: whatever BLAS does, the bits are the same. Longer sums are cut at 1024 and added up in
float64; or later, where the weights are known to be small enough.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.tensor.backends.blocks import blocks, new
from worker.tensor.backends.ending import Ending
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Weights

_EXACT = 1024
"""Products of any int8 that a float32 sums up without error."""

_EXACT_WEIGHT = 1 << 17
"""The sum of |w| up to which it sums up products with any int8: 2^24 / 128."""

_TILE = 1 << 22
"""Elements of the products that are held at a time: enough rows to keep BLAS at its speed."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Ready:
    """Weights with the number of products that a float32 sums up exactly for them."""

    weights: Weights
    part: int

    @classmethod
    def of(cls, weights: Weights) -> "Ready":
        """Look at weights once."""
        starts = np.arange(0, weights.w.shape[1], _EXACT)
        sums = np.add.reduceat(np.abs(weights.w, dtype=np.int32), starts, axis=1)
        return cls(weights, _EXACT * (_EXACT_WEIGHT // max(int(sums.max()), 1)))


class Layer:
    """Weights as floats, with all that ends an operator."""

    def __init__(self, op: Op, ready: Ready) -> None:
        """Convert the weights."""
        weights = ready.weights
        self._part = ready.part
        self._w = weights.w.astype(np.float32)
        bound = self._w.shape[1] * 128 * 128 + (1 << 30)
        self._end = Ending(op, weights.m, weights.s, bound, plus=weights.b)

    def write(self, x: Array, out: Array) -> None:
        """Write to each row of `out` what a row of x gives with all rows of the weights."""
        rows, cols = out.shape
        for tile in blocks(rows, cols, _TILE):
            products = products_of(x[tile].astype(np.float32), self._w, self._part)
            part = out[tile]
            for some in blocks(len(part), cols):
                np.copyto(part[some], self._end(products[some]), casting="unsafe")


def matmul(op: Op, x: Array, ready: Ready) -> Array:
    """Return MATMUL."""
    out = new(op)
    Layer(op, ready).write(x, out)
    return out


def bmm(op: Op, x: Array, y: Array) -> Array:
    """Return BMM."""
    groups, cols = op.geometry[0], op.output.type.cols
    end = Ending(op, op.m, op.s, x.shape[1] * 128 * 128)
    out = new(op)
    lefts, rights = x.reshape(groups, -1, x.shape[1]), y.reshape(groups, -1, y.shape[1])
    results = out.reshape(groups, -1, cols)
    for tile in blocks(groups, results[0].size, _TILE):
        left, right = lefts[tile].astype(np.float32), rights[tile].astype(np.float32)
        products = products_of(left, right, _EXACT).reshape(-1, cols)
        done = results[tile].reshape(-1, cols)
        for some in blocks(len(products), cols):
            np.copyto(done[some], end(products[some]), casting="unsafe")
    return out


def products_of(x: Floats, y: Floats, part: int) -> NDArray[Any]:
    """Return x·yᵀ of whole int8 numbers, `part` columns at a time, as whole numbers.

    Leading dimensions are groups. Float32 sums of a part must be exact.
    """
    products: Floats = x[..., :part] @ y[..., :part].swapaxes(-1, -2)
    if part >= x.shape[-1]:
        return products
    total = products.astype(np.float64)
    for start in range(part, x.shape[-1], part):
        columns = slice(start, start + part)
        np.matmul(x[..., columns], y[..., columns].swapaxes(-1, -2), out=products)
        for rows in blocks(len(total), total[0].size):
            total[rows] += products[rows]
    return total
