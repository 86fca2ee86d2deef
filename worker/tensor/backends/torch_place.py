"""Where torch computes: a device, how it multiplies int8, and how much it takes at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from worker.tensor.backends.blocks import blocks
from worker.tensor.backends.torch_ending import TorchEnding
from worker.tensor.backends.torch_products import FloatProducts, Int8Products, Products
from worker.tensor.program import Op
from worker.tensor.tensors import DType

TORCH_TYPES = {
    DType.I8: torch.int8,
    DType.I16: torch.int16,
    DType.I32: torch.int32,
    DType.I64: torch.int64,
}


@dataclass(frozen=True)
class Place:
    """A device. Elementwise operators take `block` elements at a time, products `tile`."""

    device: torch.device
    products: Products
    block: int
    tile: int

    def new(self, op: Op) -> torch.Tensor:
        """Return memory for an operator's tensor."""
        type = op.output.type
        shape = type.rows, type.cols
        return torch.empty(shape, dtype=TORCH_TYPES[type.dtype], device=self.device)

    def ending(self, op: Op, m: Any, s: Any, bound: int) -> TorchEnding:
        """Return what ends an operator here; see TorchEnding."""
        return TorchEnding(op, m, s, bound, self.device)

    def by_blocks(self, op: Op, compute: Callable[[slice], torch.Tensor]) -> torch.Tensor:
        """Return an operator's tensor from a function that gives the finished numbers of rows."""
        out = self.new(op)
        for rows in blocks(len(out), out.shape[1], self.block):
            out[rows] = compute(rows)
        return out


def place_on(device: str) -> Place:
    """Return how to compute on "cpu" or "cuda"."""
    if device == "cpu":
        has_vnni = torch.cpu._is_vnni_supported()
        products = Int8Products() if has_vnni else FloatProducts()
        return Place(torch.device("cpu"), products, block=1 << 16, tile=1 << 20)
    torch.set_float32_matmul_precision("highest")  # some builds round to TF32 unless told not to
    return Place(torch.device(device), Int8Products(), block=1 << 24, tile=1 << 26)
