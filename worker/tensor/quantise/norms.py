"""The integers of NORM and of the SCALE after it."""

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.numbers import Multiplier, multiplier
from worker.tensor.quantise.scale import Scale

UNIT = 256  # what NORM calls one standard deviation
_GAMMA_MAX = 1 << 14


def epsilon_term(epsilon: float, width: int, x: Scale) -> int:
    """Return NORM's c: the float norm's epsilon, in squared integers of x."""
    return round(epsilon * (width / x.scale) ** 2)


def affine_rows(gamma: Array, beta: Array, out: Scale) -> tuple[Array, Array, Multiplier]:
    """Return SCALE's two rows and multiplier for n·gamma + beta, n out of NORM."""
    gamma, beta = (np.asarray(row, np.float64).reshape(1, -1) for row in (gamma, beta))
    unit = _GAMMA_MAX / max(float(np.abs(gamma).max()), 1e-9)
    rows = np.rint(gamma * unit).astype(np.int16), np.rint(beta * unit * UNIT).astype(np.int32)
    return *rows, multiplier(1 / (unit * UNIT * out.scale))
