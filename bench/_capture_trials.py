"""Who decides a batch, by lots drawn: the table of bench/capture.py, and what moves it."""

from enum import StrEnum

import numpy as np
from _sortition import NEVER, Words, draw, edges, thirds
from numpy.typing import NDArray

OPERATORS = 1_000  # of one stake each: an adversary's share is a whole number of them
_ROWS = 5_000  # batches drawn at once


class Races(StrEnum):
    """Who is first where more tickets win than there are seats."""

    FAIR = "fair"
    ADVERSARY = "adversary first"


def captured(
    chance: np.random.Generator,
    trials: int,
    seats: int,
    grown: int,
    share: float,
    races: Races,
    online: float = 1.0,
) -> float:
    """Return the share of filled batches that an adversary with `share` of the stake decides.

    `seats` grow to `grown` on a dissent where that is more. Of the others a share `online` claims
    at all. Batches whose base round is not filled are drawn again elsewhere and do not count.
    """
    theirs = np.arange(OPERATORS) < round(share * OPERATORS)
    won = counted = 0
    for start in range(0, trials, _ROWS):
        rows = min(_ROWS, trials - start)
        base, is_filled, taken = _held(chance, rows, seats, theirs, races, online, None)
        decided = base > seats // 2
        if grown > seats:
            more, _, _ = _held(chance, rows, grown - seats, theirs, races, online, taken)
            contested = (base > 0) & (base < seats)
            decided = (base == seats) | (contested & (base + more > grown // 2))
        won += int((decided & is_filled).sum())
        counted += int(is_filled.sum())
    return won / counted


def _held(
    chance: np.random.Generator,
    rows: int,
    seats: int,
    theirs: NDArray[np.bool_],
    races: Races,
    online: float,
    barred: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw a round; return the adversary's seats, whether it was filled, and who got a seat."""
    weights: Words = np.ones(OPERATORS, np.uint64)
    limits = edges(weights, OPERATORS, seats)
    third = thirds(draw(chance, rows, OPERATORS), limits).astype(float)
    third[(chance.random((rows, OPERATORS)) >= online) & ~theirs] = NEVER
    if barred is not None:
        third[barred] = NEVER
    order = third + chance.random((rows, OPERATORS))
    if races is Races.ADVERSARY:
        order -= np.where(theirs, (order % 1) * 0.999, 0)  # before everyone else of its third
    first = np.argpartition(order, seats, axis=1)[:, :seats]
    got = np.take_along_axis(third, first, axis=1) < NEVER
    taken = np.zeros((rows, OPERATORS), bool)
    np.put_along_axis(taken, first, got, axis=1)
    return (taken & theirs).sum(axis=1), got.all(axis=1), taken
