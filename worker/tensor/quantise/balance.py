"""Queries and keys: their products alone matter, so each channel's range is shared between them."""

from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array

_STEPS = 127


class Balanced(NamedTuple):
    """Scales by channel; every channel's two scales have the same product."""

    q: Array
    k: Array
    product: float


def balance(q: Array, k: Array) -> Balanced:
    """Return the i8 scales of rows q and k."""
    reach_q, reach_k = (np.maximum(np.abs(x).max(0).astype(np.float64), 1e-6) for x in (q, k))
    product = float((reach_q * reach_k).max()) / _STEPS**2
    scale = np.sqrt(product * reach_q / reach_k)
    return Balanced(scale, product / scale, product)
