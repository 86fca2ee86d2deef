"""Neurons in groups by their range, a scale for each, so that few large ones harm few."""

import numpy as np

from worker.tensor.arrays import Array


def grouped(reach: Array, count: int) -> list[Array]:
    """Return the indices of neurons in `count` groups, from small to large.

    The cuts are where the sum over groups of size · largest² is least.
    """
    order = np.argsort(reach, kind="stable")
    squares = reach[order].astype(np.float64) ** 2
    n = len(order)
    ends = np.arange(n + 1)
    best = np.full(n + 1, np.inf)  # the least cost of the first so many neurons
    best[0] = 0.0
    cuts = []
    for _ in range(count):
        # [end, start]: the last group holds neurons start … end - 1
        last = (ends[:, None] - ends) * np.concatenate([[0.0], squares])[:, None]
        total = np.where(ends[:, None] > ends, best + last, np.inf)
        cuts.append(total.argmin(1))
        best = total.min(1)
    groups, end = [], n
    for cut in reversed(cuts):
        groups.append(order[cut[end] : end])
        end = int(cut[end])
    return groups[::-1]
