"""Weights to int8, a scale for each output channel."""

from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array

_FRACTIONS = np.linspace(1.0, 0.6, 17)
MAX = 127


class Quantised(NamedTuple):
    """Integers, and what one of them is worth in each row."""

    q: Array  # int8, rows x cols
    scale: Array  # float64, rows


def search_scales(w: Array, importance: Array, least: Array) -> Array:
    """Return for each row the scale with the least error, weighted by each input's mean square.

    No scale is smaller than `least`: a dead channel's would not fit its multiplier.
    """
    scales = np.abs(w).max(1) / MAX
    best = np.full(len(w), np.inf)
    result = np.maximum(scales, least)
    for fraction in _FRACTIONS:
        trial = np.maximum(scales * fraction, least)[:, None]
        error: Array = ((round_to(w, trial) * trial - w) ** 2) @ importance
        better = error < best
        best[better], result[better] = error[better], trial[better, 0]
    return result


def round_to(w: Array, scale: Array) -> Array:
    """Return the nearest int8 multiples as floats, within ±127."""
    result: Array = np.clip(np.rint(w / scale), -MAX, MAX)
    return result
