"""Tensors: element types, shapes, weights with their tails, and their bytes (docs/tensor.md §2)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.signedinteger[Any]]
"""A matrix of int8, int16, int32 or int64 in the machine's own byte order."""

MAX_ROW_BYTES = 16_400
MAX_ROWS = 1 << 24
TAIL_BYTES = 16
"""What follows each row of weights: bias i32, m u32, s u8, 7 zero bytes."""

_TAIL = np.dtype([("b", ">i4"), ("m", ">u4"), ("s", "u1"), ("zero", "u1", 7)])


class DType(IntEnum):
    """An element type by its code, which is the size of an element except for W8."""

    I8 = 1
    I16 = 2
    I32 = 4
    I64 = 8
    W8 = 17

    @property
    def size(self) -> int:
        """How many bytes an element has; a weight has one."""
        return 1 if self is DType.W8 else self.value

    @property
    def min(self) -> int:
        """The least element."""
        return -(1 << (8 * self.size - 1))

    @property
    def max(self) -> int:
        """The greatest element."""
        return (1 << (8 * self.size - 1)) - 1

    @property
    def numpy(self) -> np.dtype[Any]:
        """The machine's own type for an element."""
        return np.dtype(f"i{self.size}")


@dataclass(frozen=True)
class TensorType:
    """The element type and the shape of a tensor."""

    dtype: DType
    rows: int
    cols: int

    @property
    def row_bytes(self) -> int:
        """How many bytes a row has, its tail included."""
        return self.cols * self.dtype.size + (TAIL_BYTES if self.dtype is DType.W8 else 0)

    @property
    def nbytes(self) -> int:
        """How many bytes the tensor has in a file or a commitment."""
        return self.rows * self.row_bytes

    @property
    def fits(self) -> bool:
        """Whether the format admits the shape."""
        return 1 <= self.rows <= MAX_ROWS and self.cols >= 1 and self.row_bytes <= MAX_ROW_BYTES

    def __str__(self) -> str:
        return f"{self.dtype.name.lower()} {self.rows}x{self.cols}"


@dataclass(frozen=True, eq=False)
class Weights:
    """Rows of int8 weights, each with its bias and multiplier: rq(Σ x·w + b, m, s)."""

    w: NDArray[np.int8]  # rows x cols
    b: NDArray[np.int32]
    m: NDArray[np.uint32]
    s: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Raises ValueError unless every row has one of each."""
        rows = self.w.shape[:1]
        if self.w.ndim != 2 or not self.b.shape == self.m.shape == self.s.shape == rows:
            raise ValueError("weights: b, m and s have one element for each row of w")


Constant = Array | Weights


def type_of(tensor: Constant) -> TensorType:
    """Return a tensor's type. Raises ValueError when it is no matrix of a known type."""
    if isinstance(tensor, Weights):
        return TensorType(DType.W8, *tensor.w.shape)
    if tensor.ndim != 2 or tensor.dtype.kind != "i":
        raise ValueError(f"a tensor is a matrix of integers, not {tensor.dtype}{tensor.shape}")
    return TensorType(DType(tensor.dtype.itemsize), *tensor.shape)


def to_bytes(tensor: Constant, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
    """Return the bytes of rows start … stop - 1 as a matrix, a row a row."""
    if isinstance(tensor, Weights):
        return _weight_bytes(tensor, slice(start, stop))
    rows = tensor[start:stop]
    return np.ascontiguousarray(rows, rows.dtype.newbyteorder(">")).view(np.uint8)


def from_bytes(type: TensorType, data: bytes | memoryview) -> Constant:
    """Return the tensor whose rows are `data`; i8 and w8 are views of it.

    Raises ValueError when the length is wrong or a zero byte of a tail is not zero.
    """
    if len(data) != type.nbytes:
        raise ValueError(f"{type} has {type.nbytes} bytes, not {len(data)}")
    if type.dtype is not DType.W8:
        rows = np.frombuffer(data, type.dtype.numpy.newbyteorder(">"))
        return rows.reshape(type.rows, type.cols).astype(type.dtype.numpy, copy=False)
    rows = np.frombuffer(data, np.uint8).reshape(type.rows, type.row_bytes)
    tails = np.ascontiguousarray(rows[:, type.cols :]).view(_TAIL)[:, 0]
    if tails["zero"].any():
        raise ValueError("a byte of a tail that must be zero is not")
    return Weights(
        w=rows[:, : type.cols].view(np.int8),
        b=tails["b"].astype(np.int32),
        m=tails["m"].astype(np.uint32),
        s=tails["s"].astype(np.uint8),
    )


def _weight_bytes(weights: Weights, rows: slice) -> NDArray[np.uint8]:
    w = weights.w[rows]
    tails = np.zeros(len(w), _TAIL)
    for name in ("b", "m", "s"):
        tails[name] = getattr(weights, name)[rows]
    return np.hstack([w.view(np.uint8), tails.view(np.uint8).reshape(len(w), TAIL_BYTES)])
