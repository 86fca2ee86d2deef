"""What a tensor's integers mean: real = scale · (integer - zero)."""

import math
from dataclasses import dataclass

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Fin
from worker.tensor.tensors import DType

_LEAST = 2.0**-20  # below it a scale is that of a channel that is always zero


@dataclass(frozen=True)
class Scale:
    """The meaning of one tensor's integers."""

    dtype: DType
    scale: float
    zero: int = 0

    def quantise(self, x: Array) -> Array:
        """Return the nearest integers of the type."""
        q = np.floor(np.asarray(x, np.float64) / self.scale + 0.5) + self.zero
        result: Array = np.clip(q, self.dtype.min, self.dtype.max).astype(self.dtype.numpy)
        return result

    def real(self, q: Array) -> Array:
        """Return what the integers mean."""
        result: Array = (q.astype(np.float64) - self.zero) * self.scale
        return result

    def fin(self, low: float | None = None, high: float | None = None) -> Fin:
        """Return how an operator ends that writes this tensor, clamped to [low, high] if given."""
        return Fin(self.dtype, self.zero, self._bound(low), self._bound(high))

    def _bound(self, x: float | None) -> int | None:
        return None if x is None or not math.isfinite(x) else int(self.quantise(np.array(x)))


def affine(dtype: DType, low: float, high: float) -> Scale:
    """Return the scale that spreads [low, high], widened to hold 0, over the whole type.

    Raises UsageError when a bound is no finite number.
    """
    low, high = _finite(min(low, 0.0)), _finite(max(high, 0.0))
    steps = dtype.max - dtype.min
    scale = max((high - low) / steps, _LEAST / steps)
    return Scale(dtype, scale, round(dtype.min - low / scale))


def symmetric(dtype: DType, amax: float) -> Scale:
    """Return the scale without zero point that reaches ±amax."""
    return Scale(dtype, max(_finite(amax), _LEAST) / dtype.max)


def _finite(x: float) -> float:
    if not math.isfinite(x):
        raise UsageError(f"calibration: a range reaches {x}; the data or the model is not finite")
    return float(x)
