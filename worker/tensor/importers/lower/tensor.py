"""A tensor of the float model as it stands in the program, and how it lies there."""

from dataclasses import dataclass, replace

import numpy as np

from worker.errors import UsageError
from worker.tensor.build import Builder, Value
from worker.tensor.numbers import multiplier
from worker.tensor.quantise.scale import Scale

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """Row-major elements of `value`, read as `shape` with its axes in the order `order`."""

    value: Value
    shape: Shape
    order: tuple[int, ...]
    scale: Scale

    def transposed(self, permutation: tuple[int, ...]) -> "Tensor":
        """Return the same elements under other axes: nothing is moved."""
        place = {old: new for new, old in enumerate(permutation)}
        shape = tuple(self.shape[axis] for axis in permutation)
        return replace(self, shape=shape, order=tuple(place[axis] for axis in self.order))

    def reshaped(self, builder: Builder, shape: Shape) -> "Tensor":
        """Return the elements under another shape; they are moved only if they lie out of order."""
        if _solid(self.shape) == _solid(shape):
            return replace(self, shape=shape, order=_same_order(self, shape))
        plain = tuple(range(len(self.shape)))
        moved = self._solid_order(plain) != self._solid_order(self.order)
        rows = _count(shape) // shape[-1]
        value = self.matrix(builder, plain, rows) if moved else self.value
        return Tensor(value, shape, tuple(range(len(shape))), self.scale)

    def aligned(self, builder: Builder, scale: Scale) -> "Tensor":
        """Return the same reals as integers of another scale."""
        if scale == self.scale:
            return self
        by = multiplier(self.scale.scale / scale.scale)
        value = builder.requant(self.value, by, scale.fin(), c=-self.scale.zero)
        return replace(self, value=value, scale=scale)

    def matrix(self, builder: Builder, order: tuple[int, ...], rows: int) -> Value:
        """Return the elements with the axes in `order`, as a matrix of so many rows."""
        cols = int(np.prod(self.shape)) // rows
        wanted, present = self._solid_order(order), self._solid_order(self.order)
        if wanted != present:
            dims, moves = _merge(present, wanted, self.shape)
            return builder.permute(self.value, dims, moves, rows, cols)
        if (self.value.rows, self.value.cols) == (rows, cols):
            return self.value
        return builder.reshape(self.value, rows, cols)

    def rows(self, builder: Builder, axis: int = -1) -> Value:
        """Return a matrix with `axis` as its columns and all other axes, in order, as its rows."""
        axis %= len(self.shape)
        others = tuple(a for a in range(len(self.shape)) if a != axis)
        return self.matrix(builder, (*others, axis), _count(self.shape) // self.shape[axis])

    def _solid_order(self, order: tuple[int, ...]) -> list[int]:
        """Return an order of axes without those of one element, which lie anywhere."""
        return [axis for axis in order if self.shape[axis] > 1]


def _count(shape: Shape) -> int:
    return int(np.prod(shape))


def _solid(shape: Shape) -> list[int]:
    return [n for n in shape if n > 1]


def _same_order(tensor: Tensor, shape: Shape) -> tuple[int, ...]:
    """Return the order of `shape`'s axes, which are tensor's but for axes of one element."""
    old = [axis for axis, n in enumerate(tensor.shape) if n > 1]
    new = [axis for axis, n in enumerate(shape) if n > 1]
    place = dict(zip(old, new, strict=True))
    unit = [axis for axis, n in enumerate(shape) if n == 1]
    return (*unit, *(place[axis] for axis in tensor.order if axis in place))


def _merge(present: list[int], wanted: list[int], shape: Shape) -> tuple[list[int], list[int]]:
    """Return PERMUTE's dimensions and order, runs of axes that stay together taken as one."""
    runs: list[list[int]] = []
    for axis in present:
        follows = runs and wanted.index(axis) == wanted.index(runs[-1][-1]) + 1
        if follows:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    if len(runs) > 4:
        raise UsageError(f"axes {present} of {shape} cannot be reordered to {wanted} at once")
    moves = sorted(range(len(runs)), key=lambda run: wanted.index(runs[run][0]))
    return [_count(tuple(shape[axis] for axis in run)) for run in runs], moves
