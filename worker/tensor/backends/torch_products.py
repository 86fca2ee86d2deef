"""Exact int8 products in torch, and what ends them: from sums to finished rows."""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import torch

from worker.tensor.program import Op
from worker.tensor.tensors import DType

_EXACT = 1024
"""Products that a float32 sums up without error: 1024·128² = 2^24."""

_ENDING = """template <typename T> T ending(T v, T b, T m, T s, T zp, T lo, T hi) {
    long long w = ((long long)v + b) * m;
    w = ((w + ((1LL << s) >> 1)) >> s) + zp;
    return w < lo ? lo : w > hi ? hi : (T)w;
}"""


class Products(Protocol):
    """A way to multiply the rows of two int8 matrices."""

    def ready(self, rows: torch.Tensor) -> torch.Tensor:
        """Bring weights to the form that `multiply` takes, once."""

    def multiply(self, x: torch.Tensor, ready: torch.Tensor, cols: int) -> torch.Tensor:
        """Return x·wᵀ exactly, as whole numbers of any type, for `cols` rows of weights."""


class FloatProducts:
    """On the float32 units, 1024 products at a time: right everywhere."""

    def ready(self, rows: torch.Tensor) -> torch.Tensor:
        """See Products."""
        return rows

    def multiply(self, x: torch.Tensor, ready: torch.Tensor, cols: int) -> torch.Tensor:
        """See Products."""
        return float_products(x, ready)


class Int8Products:
    """On int8 units: VNNI on a CPU, tensor cores on a GPU.

    A GPU asks for more than 16 rows and for columns in eights, so zeros are added; and it takes
    contiguous memory only.
    """

    def ready(self, rows: torch.Tensor) -> torch.Tensor:
        """See Products."""
        height = -(-len(rows) // 8) * 8
        return _padded(rows, height).t()

    def multiply(self, x: torch.Tensor, ready: torch.Tensor, cols: int) -> torch.Tensor:
        """See Products."""
        products = torch._int_mm(_padded(x, max(len(x), 17)), ready)
        return products[: len(x), :cols]


def float_products(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return x·yᵀ of int8 numbers, exactly; leading dimensions are groups."""
    total = torch.zeros((), device=x.device)
    for start in range(0, x.shape[-1], _EXACT):
        left, right = (v[..., start : start + _EXACT].float() for v in (x, y))
        part = left @ right.mT
        total = part if start == 0 else total.double().add_(part)
    return total


def _padded(matrix: torch.Tensor, height: int) -> torch.Tensor:
    """Return a contiguous matrix of some height, with columns in eights."""
    rows, cols = matrix.shape
    width = -(-cols // 8) * 8
    if (rows, cols) == (height, width):
        return matrix.contiguous()
    padded = matrix.new_zeros(height, width)
    padded[:rows, :cols] = matrix
    return padded


def scaled(v: torch.Tensor, m: Any, s: Any) -> torch.Tensor:
    """Return rq(v, m, s), computed in v itself; m and s are numbers or int64 for the columns."""
    one = torch.ones_like(s) if torch.is_tensor(s) else 1
    v *= m
    v += (one << s) >> 1
    v >>= s
    return v


def clamped(op: Op, v: torch.Tensor) -> torch.Tensor:
    """Return fin(v), computed in v itself."""
    v += op.zp
    return v.clamp_(op.lo, op.hi)


def finished(op: Op, v: torch.Tensor) -> torch.Tensor:
    """Return fin(rq(v, m, s)) with the operator's own m and s, computed in v itself."""
    return clamped(op, scaled(v, op.m, op.s))


def ended(
    op: Op, sums: torch.Tensor, b: torch.Tensor, m: torch.Tensor, s: torch.Tensor
) -> torch.Tensor:
    """Return fin(rq(sums + b, m, s)); b, m and s are int64 for the columns.

    On a GPU, where memory traffic is what counts, all of it is one kernel.
    """
    if sums.is_cuda and sums.dtype == torch.int32 and op.output.type.dtype is not DType.I64:
        columns = (v.to(torch.int32) for v in (b, m, s))
        return _kernel()(sums, *columns, zp=op.zp, lo=op.lo, hi=op.hi)
    return clamped(op, scaled(sums.to(torch.int64) + b, m, s))


@cache
def _kernel() -> Callable[..., torch.Tensor]:
    kernel: Callable[..., torch.Tensor] = torch.cuda.jiterator._create_jit_fn(
        _ENDING, zp=0, lo=0, hi=0
    )
    return kernel
