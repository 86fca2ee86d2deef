"""How operators end, rq and fin, in whatever arithmetic is exact and fastest.

CPUs multiply vectors of float64 well and vectors of int64 badly, so floats are used where they are
exact. Let v be a whole number below 2^53, t = v·m / 2^s, and R bound |lo|, |hi| and |zp|. Wanted is
⌊t + zp + ½⌋, clamped. For s ≥ 1, t + zp + ½ is a multiple of 2^-s; with half of that added it lies
at least 2^-(s+1) from any integer. m / 2^s is a float, so v·(m / 2^s) + (zp + ½ + 2^-(s+1)) rounds
twice; where the result is not clamped |t| ≤ 2R + 3, and the error is at most 2^-53·(3R + 6). So
with 3R + 6 < 2^(52-s) no rounding crosses an integer, and where the result is clamped the sum lies
beyond the limit, because rounding is monotone. For s = 0, t is whole and nothing is added.
"""

from typing import Any

import numpy as np

from worker.tensor.numbers import Int64s
from worker.tensor.program import Op

_WHOLE = 1 << 53
"""Below this every whole number is a float64."""


class Ending:
    """fin(rq(v, m, s)) for numbers v of one type, `dtype`: float64 or int64."""

    def __init__(self, op: Op, m: Any, s: Any, bound: int) -> None:
        """Take m and s, numbers or an int64 for each column, and a bound on |v|."""
        self._op = op
        self.m, self.s = _reduced(np.array(m, np.int64), np.array(s, np.int64))
        self.half = (np.int64(1) << self.s) >> 1
        reach = max(abs(op.lo), abs(op.hi), abs(op.zp))
        self.is_float = bound < _WHOLE and 3 * reach + 6 < 2.0 ** (52 - int(self.s.max()))
        self.dtype: np.dtype[Any] = np.dtype(np.float64 if self.is_float else np.int64)
        self.scale = self.m * 0.5**self.s
        self.plus = op.zp + np.where(self.s > 0, 0.5 + 0.5 ** (self.s + 1), 0)

    def __call__(self, v: Any) -> Any:
        """Return the finished numbers, computed in v itself, which has `dtype`."""
        if self.is_float:
            v *= self.scale
            v += self.plus
            np.floor(v, out=v)
            return _limited(self._op, v)
        v *= self.m
        v += self.half
        v >>= self.s
        return clamped(self._op, v)


def clamped(op: Op, v: Int64s) -> Int64s:
    """Return fin(v), computed in v itself."""
    v += op.zp
    _limited(op, v)
    return v


def _limited(op: Op, v: Any) -> Any:
    np.maximum(v, op.lo, out=v)
    return np.minimum(v, op.hi, out=v)


def _reduced(m: Int64s, s: Int64s) -> tuple[Int64s, Int64s]:
    """Return m and s with common factors of 2 taken out, which rq does not see while s ≥ 1."""
    while (even := (m % 2 == 0) & (s > 1)).any():
        m, s = np.where(even, m >> 1, m), np.where(even, s - 1, s)
    return m, s
