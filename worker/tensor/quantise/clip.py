"""Choose the range that a tensor's integers cover: a little is cut off if the rest gains more."""

from collections.abc import Callable

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.quantise.scale import Scale, affine, symmetric
from worker.tensor.tensors import DType

_FRACTIONS = np.linspace(1.0, 0.3, 29)
Function = Callable[[Array], Array]


def best_affine(sample: Array, after: Function | None = None) -> Scale:
    """Return the i8 scale whose rounding and cutting cost the least squared error.

    `after` is what is done to the value next: where it is flat, cutting costs nothing.
    """
    low, high = min(float(sample.min()), 0.0), max(float(sample.max()), 0.0)
    if DType.I8.min <= low and high <= DType.I8.max and not (sample % 1).any():
        return Scale(DType.I8, 1.0)  # small integers, such as pixels, stay what they are
    for _ in range(2):
        high = _search(sample, after, [(low, high * f) for f in _FRACTIONS])[1]
        low = _search(sample, after, [(low * f, high) for f in _FRACTIONS])[0]
    return affine(DType.I8, low, high)


def best_symmetric(sample: Array) -> Scale:
    """Return the i8 scale without zero point of the least squared error."""
    amax = float(np.abs(sample).max())
    scales = [symmetric(DType.I8, amax * f) for f in _FRACTIONS]
    return min(scales, key=lambda scale: _error(sample, None, scale))


def _search(
    sample: Array, after: Function | None, ranges: list[tuple[float, float]]
) -> tuple[float, float]:
    return min(ranges, key=lambda r: _error(sample, after, affine(DType.I8, *r)))


def _error(sample: Array, after: Function | None, scale: Scale) -> float:
    rounded = scale.real(scale.quantise(sample))
    if after is not None:
        sample, rounded = after(sample), after(rounded)
    return float(np.mean((sample - rounded) ** 2))
