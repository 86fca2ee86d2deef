"""Seats drawn and judged, thousands of batches at once: the rules of protocol.md §4 in NumPy.

An answer is a number: 0 the truth, others lies; equal numbers agree. tests/test_economy.py holds
the outcomes against worker/protocol/outcome.py, the draw is that of _sortition.py.
"""

from dataclasses import dataclass

import numpy as np
from _sortition import NEVER, Words, draw, edges, thirds
from numpy.typing import NDArray

Ids = NDArray[np.int64]
NOBODY = -1


def seat(chance: np.random.Generator, weights: Words, batches: int, seats: int, taken: Ids) -> Ids:
    """Return the operators of each batch's seats, NOBODY in all of a batch's where too few won.

    `taken` are operators that may not: a row a batch. Who wins in the same third is in random
    order.
    """
    limits = edges(weights, max(1, int(weights.sum())), seats)
    order = thirds(draw(chance, batches, len(weights)), limits) + chance.random(
        (batches, len(weights))
    )
    rows = np.repeat(np.arange(batches), taken.shape[1])
    order[rows, taken.ravel()] = NEVER
    first = np.argpartition(order, seats - 1, axis=1)[:, :seats]
    worst = np.take_along_axis(order, first, axis=1).max(axis=1)
    first[worst >= NEVER] = NOBODY
    return first


@dataclass(frozen=True)
class Judged:
    """Whether each seat of each batch is paid, loses its bond, or loses the contest fee."""

    paid: NDArray[np.bool_]
    burnt: NDArray[np.bool_]
    contested: NDArray[np.bool_]


def is_contested(answers: Ids) -> NDArray[np.bool_]:
    """Return which batches of a base round grow: those with a dissent."""
    return np.asarray((answers != answers[:, :1]).any(axis=1))


def judge(answers: Ids) -> Judged:
    """Return what becomes of seats that all opened something, after growth or without a dissent."""
    granted = answers.shape[1]
    agreeing = (answers[:, :, None] == answers[:, None, :]).sum(axis=2)
    most = agreeing.max(axis=1, keepdims=True)
    stands = (2 * most > granted) & (most >= 2)
    paid = stands & (agreeing == most)
    tie = ~stands & is_contested(answers)[:, None]
    return Judged(paid, stands & ~paid & (most >= 3), np.broadcast_to(tie, answers.shape))
