"""Smoothing and shift: bring the columns of an activation to like ranges, and weights along.

A few columns of a transformer's activations are ten times the others. Each column is centred and
divided by a unit of its own, which the layer norm before does for nothing, and the weights after
are multiplied by it.
"""

from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array

_ACTIVATION, _WEIGHT = 0.7, 0.3  # how much of a column's range each side bears
_STEPS = 127


class Columns(NamedTuple):
    """The meaning of an i8 matrix by columns: real = centre + unit · integer."""

    centre: Array
    unit: Array

    def integers(self, x: Array) -> Array:
        """Return what reals are in integers, not rounded."""
        return np.clip((x - self.centre) / self.unit, -_STEPS - 1, _STEPS)


def smooth(x: Array, *weights: Array) -> Columns:
    """Return the columns for rows `x` that all of `weights` (outputs x columns) read."""
    low, high = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
    reach = np.maximum((high - low) / 2, 1e-6)
    strength = np.maximum(np.abs(np.concatenate(weights)).max(0), 1e-6)
    share = reach**_ACTIVATION / strength**_WEIGHT
    return Columns((low + high) / 2, share * (reach / share).max() / _STEPS)
