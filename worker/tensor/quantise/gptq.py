"""GPTQ: round weights one column after the other, and let the later ones make up for the error."""

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.quantise.weights import Quantised, round_to, search_scales

_DAMPING = 0.01
_BLOCK = 128


def gptq(w: Array, curvature: Array, least: Array) -> Quantised:
    """Return int8 rows that give nearly w's products on inputs of second moment `curvature`."""
    scale = search_scales(w, np.diag(curvature), least)[:, None]
    order = np.argsort(-np.diag(curvature), kind="stable")
    rest = w[:, order].astype(np.float64)
    upper = _inverse_root(curvature[np.ix_(order, order)])
    q = np.zeros(w.shape)
    for start in range(0, w.shape[1], _BLOCK):
        stop = min(start + _BLOCK, w.shape[1])
        errors = _round_block(rest, q, upper, scale, start, stop)
        rest[:, stop:] -= errors @ upper[start:stop, stop:]
    result = np.zeros(w.shape, np.int8)
    result[:, order] = q
    return Quantised(result, scale[:, 0])


def _round_block(rest: Array, q: Array, upper: Array, scale: Array, start: int, stop: int) -> Array:
    """Round columns start … stop - 1 into q; return what each leaves to later blocks."""
    errors = np.zeros((len(rest), stop - start))
    for column in range(start, stop):
        q[:, column] = round_to(rest[:, column], scale[:, 0])
        error = (rest[:, column] - q[:, column] * scale[:, 0]) / upper[column, column]
        rest[:, column + 1 : stop] -= np.outer(error, upper[column, column + 1 : stop])
        errors[:, column - start] = error
    return errors


def _inverse_root(curvature: Array) -> Array:
    """Return the upper Cholesky factor of the damped inverse."""
    damped = curvature.astype(np.float64).copy()
    diagonal = np.einsum("ii->i", damped)
    diagonal += _DAMPING * diagonal.mean() + 1e-12
    result: Array = np.linalg.cholesky(np.linalg.inv(damped)).T
    return result
