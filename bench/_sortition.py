"""The seats' lottery over whole networks at once: a twin of worker/protocol/sortition.py in NumPy.

A ticket is its upper 64 bits here: whether it wins differs from the contract's answer only where
those equal the threshold's, which happens to one ticket in 2^64.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
FACTORS = (1, 2, 4)
"""Tickets released per seat in the thirds of a claim window."""

NEVER = 3
"""Stands for a third that does not come."""

_EIGHT = np.uint64(8)
_LAST = np.uint64(2**64 - 1)


def thresholds(weights: Words, total: int, released: int) -> Words:
    """Return below which upper half a ticket of each weight wins while `released` tickets are out:
    released x weight x 2^64 / total, rounded down; the highest word where everyone wins."""
    total_word = np.uint64(total)  # at most 56 bits, so that a step of 8 bits overflows nothing
    rest = weights * np.uint64(released)
    wins_anyway = rest >= total_word
    quotient = np.zeros_like(rest)
    rest %= total_word
    for _ in range(8):
        rest <<= _EIGHT
        quotient = (quotient << _EIGHT) | rest // total_word
        rest %= total_word
    return np.where(wins_anyway, _LAST, quotient)


def edges(weights: Words, total: int, seats: int) -> list[Words]:
    """Return the thresholds of each third of a claim window; `weights` are whole tokens."""
    return [thresholds(weights, total, factor * seats) for factor in FACTORS]


def thirds(tickets: Words, edges: list[Words]) -> NDArray[np.uint8]:
    """Return from which third of the claim window on each ticket may claim: 0, 1, 2 or NEVER.

    `tickets` has a row a batch and a column an operator, or one row.
    """
    found = np.full(tickets.shape, NEVER, np.uint8)
    for third, edge in reversed(list(enumerate(edges))):
        found[tickets < edge] = third
    return found


def draw(chance: np.random.Generator, batches: int, operators: int) -> Words:
    """Return fresh tickets, a row a batch."""
    return chance.integers(0, _LAST, (batches, operators), np.uint64, endpoint=True)


def stakes(chance: np.random.Generator, operators: int, least: int) -> Words:
    """Return heavy-tailed stakes in whole tokens: the fifth with the most holds four fifths."""
    shape = 1.16  # where the 80:20 rule holds for Pareto's distribution
    return (least * (1 + chance.pareto(shape, operators))).astype(np.uint64)


def capped(stake: Words, cap: int) -> Words:
    """Return the weights of stakes."""
    return np.minimum(stake, np.uint64(cap))
