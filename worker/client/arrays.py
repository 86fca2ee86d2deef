"""Local arrays as tensors: the inputs of tensor programs that a requester has, and outputs."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from worker.client.build import Blob
from worker.tensor.tensors import Array, TensorType, Weights, from_bytes, to_bytes

_MAX_HEADER = 1 << 16
_MAX_ELEMENT = 8


@dataclass(frozen=True)
class ArrayBlob(Blob):
    """The bytes of a tensor (docs/tensor.md §2) that a local array file holds."""

    type: TensorType

    def open(self) -> BinaryIO:
        """See Blob. Raises ValueError where the file changed to no such tensor."""
        return io.BytesIO(to_bytes(read_tensor(self.path, self.type)).tobytes())


def read_tensor(path: Path, type: TensorType) -> Array:
    """Return the tensor in a file, .npy or .bin. Raises ValueError saying what is wrong with it.

    An .npy array has integers of any width whose values the tensor's type holds, and any shape
    whose leading dimensions make up the rows and whose others make up the columns: 16 x 64 is also
    16 x 8 x 8. A .bin file has the tensor's own bytes: big-endian, a row after the other.
    """
    readers: dict[str, Callable[[Path, TensorType], Array]] = {
        ".npy": _read_npy,
        ".bin": _read_bin,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError("must be a .npy or a .bin file")
    return reader(path, type)


def _read_bin(path: Path, type: TensorType) -> Array:
    size = path.stat().st_size
    if size != type.nbytes:
        raise ValueError(f"has {size} bytes, {type} has {type.nbytes}")
    tensor = from_bytes(type, path.read_bytes())
    assert not isinstance(tensor, Weights)  # noqa: S101 - no input has weights' type
    return tensor


def _read_npy(path: Path, type: TensorType) -> Array:
    if path.stat().st_size > _MAX_HEADER + _MAX_ELEMENT * type.rows * type.cols:
        raise ValueError(f"is larger than any array of {type}")
    try:
        # Mapped: what its header claims is not allocated before it is checked.
        array = np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
    except Exception as error:  # its header is read as Python source, which fails in many ways
        raise ValueError(f"is no .npy array: {error}") from error
    if array.dtype.kind not in "iu":
        raise ValueError(f"holds {array.dtype}, a tensor program takes integers")
    if not _is_split(array.shape, type):
        shape = " x ".join(map(str, array.shape))
        raise ValueError(f"has shape {shape or 'of a single number'}, the program takes {type}")
    return _in_range(array, type).reshape(type.rows, type.cols)


def _is_split(shape: tuple[int, ...], type: TensorType) -> bool:
    """Whether the leading dimensions make up the rows and the others the columns."""
    sizes = ((prod(shape[:cut]), prod(shape[cut:])) for cut in range(len(shape) + 1))
    return (type.rows, type.cols) in sizes


def _in_range(array: NDArray[Any], type: TensorType) -> Array:
    low, high = int(array.min()), int(array.max())
    least, most = type.dtype.min, type.dtype.max
    if low < least or high > most:
        wrong = low if low < least else high
        raise ValueError(f"holds {wrong}, {type.dtype.name.lower()} goes from {least} to {most}")
    return np.ascontiguousarray(array, type.dtype.numpy)
