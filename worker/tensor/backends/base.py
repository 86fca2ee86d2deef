"""What computes whole tensors."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from worker.tensor.program import Op
from worker.tensor.tensors import Array, Constant

T = TypeVar("T")
"""A tensor where the backend computes: an array here, or memory of a device."""


class Backend(Protocol[T]):
    """Computes what operators of valid programs write, bit for bit as worker.tensor.reference.

    Tensors that were loaded or computed are never changed.
    """

    @property
    def name(self) -> str:
        """What it is and where it runs, for people: "numpy", "torch on cpu"."""

    @property
    def uses_gpu(self) -> bool:
        """Whether it computes on a GPU."""

    def load(self, tensor: Constant) -> T:
        """Bring an input or a constant to where it is computed with."""

    def compute(self, op: Op, operands: Sequence[T]) -> T:
        """Return what an operator writes, from its operands in the order a, b, d."""

    def fetch(self, tensor: T) -> Array:
        """Bring a tensor back as an array in row-major order."""
