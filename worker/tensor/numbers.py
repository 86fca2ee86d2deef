"""The integer arithmetic of docs/tensor.md §1. Floats appear in `multiplier` alone, at import."""

import math
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]

MIN_MULTIPLIER = 1 << 30
MAX_SHIFT = 62


class Multiplier(NamedTuple):
    """The scale m / 2^s as integers: m is 0, 1 or in [2^30, 2^31), s in 0 … 62."""

    m: int
    s: int


IDENTITY = Multiplier(1, 0)
"""Leaves a number as it is."""


@overload
def rq(v: int, m: int, s: int) -> int: ...
@overload
def rq(v: Int64s, m: int | Int64s, s: int | Int64s) -> Int64s: ...
def rq(v: Any, m: Any, s: Any) -> Any:
    """Return ⌊(v·m + ⌊2^s / 2⌋) / 2^s⌋, rounded once, ties up.

    Python ints are unbounded; int64 arrays are exact while |v|·m + 2^s < 2^63, as in every valid
    program.
    """
    return (v * m + ((1 << s) >> 1)) >> s


def fin(v: int, zp: int, lo: int, hi: int) -> int:
    """Return v + zp, clamped to [lo, hi]."""
    return min(max(v + zp, lo), hi)


def isqrt(v: int) -> int:
    """Return ⌊√v⌋, and 0 for a negative number."""
    return math.isqrt(max(v, 0))


def multiplier(scale: float) -> Multiplier:
    """Return the integers nearest to a scale of 0 or from 2^-32 to below 2^30.

    Raises ValueError for any other number, infinities and NaN included.
    """
    if scale == 0:
        return Multiplier(0, 0)
    if not 2.0**-32 <= scale < 2.0**30:
        raise ValueError(f"scale {scale!r} is neither 0 nor in [2^-32, 2^30)")
    fraction, exponent = math.frexp(scale)
    m, s = math.floor(fraction * 2**31 + 0.5), 31 - exponent
    return Multiplier(MIN_MULTIPLIER, s - 1) if m == 1 << 31 else Multiplier(m, s)
