"""Exact int8 products in torch."""

from typing import Protocol

import torch

_EXACT = 1024
"""Products that a float32 sums up without error: 1024·128² = 2^24."""


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
