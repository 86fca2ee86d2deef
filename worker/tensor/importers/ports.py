"""The ends of a program: how a person's numbers become its integers, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.quantise.scale import Scale
from worker.tensor.tensors import DType, TensorType


@dataclass(frozen=True)
class Port:
    """One input or output: the float model's shape, and the matrix that it lies in.

    The axes of `shape` lie in the matrix in the order `order`, row-major.
    """

    name: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    rows: int
    scale: Scale

    def __post_init__(self) -> None:
        # Its last bits hang on the order in which a processor's kernels add: nine digits do not.
        scale = replace(self.scale, scale=float(f"{self.scale.scale:.9g}"))
        object.__setattr__(self, "scale", scale)

    @property
    def type(self) -> TensorType:
        """The type of the program's tensor."""
        return TensorType(self.scale.dtype, self.rows, int(np.prod(self.shape)) // self.rows)

    def encode(self, x: Array) -> Array:
        """Return the program's matrix for the model's input. Raises UsageError on another shape."""
        if x.shape != self.shape:
            raise UsageError(f'"{self.name}" has shape {x.shape}; the program takes {self.shape}')
        return self.scale.quantise(np.transpose(x, self.order)).reshape(self.rows, -1)

    def decode(self, matrix: Array) -> Array:
        """Return the model's output for the program's matrix."""
        lying = matrix.reshape([self.shape[axis] for axis in self.order])
        return self.scale.real(np.transpose(lying, np.argsort(self.order)))

    def as_json(self) -> dict[str, Any]:
        """Return the port in plain values."""
        kind = {"type": self.scale.dtype.name.lower(), "rows": self.rows}
        meaning = {"scale": self.scale.scale, "zero": self.scale.zero}
        return {"name": self.name, "shape": self.shape, "order": self.order, **kind, **meaning}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the port that `as_json` wrote."""
        scale = Scale(DType[data["type"].upper()], data["scale"], data["zero"])
        return cls(data["name"], tuple(data["shape"]), tuple(data["order"]), data["rows"], scale)
