"""How operators end, rq and fin, in whatever arithmetic is exact and fastest.

CPUs multiply vectors of float64 well and vectors of int64 badly, so floats are used where they are
exact. Let v be a whole number below 2^53, t = v·m / 2^s, and R bound |lo|, |hi| and |zp|. Wanted is
⌊t + zp + ½⌋, clamped. For s ≥ 1, t + zp + ½ is a multiple of 2^-s; with half of that added it lies
at least 2^-(s+1) from any integer. m / 2^s is a float, so v·(m / 2^s) + (zp + ½ + 2^-(s+1)) rounds
twice; where the result is not clamped |t| ≤ 2R + 3, and the error is at most 2^-53·(3R + 6), which
is at most 2^-51·R. So with R < 2^(50-s) no rounding crosses an integer, and where the result is
clamped the sum lies beyond the limit, because rounding is monotone. For s = 0, t is whole and
nothing is added.
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
        m, s = np.asarray(m, np.int64), np.asarray(s, np.int64)
        reach = max(abs(op.lo), abs(op.hi), abs(op.zp), 8)
        is_exact = bound < _WHOLE and reach < 2.0 ** (50 - int(s.max()))
        self.dtype: np.dtype[Any] = np.dtype(np.float64 if is_exact else np.int64)
        if is_exact:
            self.scale = m * 0.5**s
            self.plus = op.zp + np.where(s > 0, 0.5 + 0.5 ** (s + 1), 0)
        else:
            self.m, self.s, self.half = m, s, (np.int64(1) << s) >> 1

    def __call__(self, v: Any) -> Any:
        """Return the finished numbers, computed in v itself, which has `dtype`."""
        if self.dtype == np.float64:
            v *= self.scale
            v += self.plus
            np.floor(v, out=v)
        else:
            v *= self.m
            v += self.half
            v >>= self.s
            v += self._op.zp
        return _limited(self._op, v)


def clamped(op: Op, v: Int64s) -> Int64s:
    """Return fin(v), computed in v itself."""
    v += op.zp
    _limited(op, v)
    return v


def _limited(op: Op, v: Any) -> Any:
    np.maximum(v, op.lo, out=v)
    return np.minimum(v, op.hi, out=v)
