"""Neurons in two groups by their range, a scale for each, so that few large ones harm few."""

import numpy as np

from worker.tensor.arrays import Array


def two_groups(reach: Array) -> tuple[Array, Array]:
    """Return the indices of small and large neurons.

    The cut is where the sum over both groups of size · largest² is least.
    """
    order = np.argsort(reach, kind="stable")
    squares = reach[order] ** 2
    sizes = np.arange(1, len(order))
    cost = sizes * squares[:-1] + (len(order) - sizes) * squares[-1]
    cut = int(cost.argmin()) + 1
    return order[:cut], order[cut:]
