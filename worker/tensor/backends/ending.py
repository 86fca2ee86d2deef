"""How operators end, rq and fin, in whatever arithmetic is exact and fastest.

Wanted is ⌊t + zp + ½⌋, clamped, for t = (v·by + plus)·m / 2^s and whole numbers v.

CPUs multiply vectors of float64 well and vectors of int64 badly, so floats are used where they are
exact. Let u = 2^-53, and let R bound |lo|, |hi| and |zp| and B bound |plus|·m / 2^s. For s ≥ 1,
t + zp + ½ is a multiple of 2^-s; with half of that added it lies at least 2^-(s+1) from any
integer. by·m / 2^s is a float, and so is zp + ½ + 2^-(s+1); the constant, which is that and
plus·m / 2^s, is off by at most (2B + R + 1)·u, its sum's other part v·(by·m / 2^s) by u of itself,
and the sum is rounded once more. While it is at most 2R + 4 all this is below (6R + 3B + 12)·u, so
with 6R + 3B + 12 < 2^(52-s) no error crosses an integer; a larger sum is clamped, and off by far
too little to come back. For s = 0, t is whole and nothing is added.

Where m is 1, a shift of int32 does it in half the memory.
"""

from typing import Any

import numpy as np

from worker.tensor.numbers import Int64s
from worker.tensor.program import Op

_WHOLE = 1 << 53
"""Below this every whole number is a float64."""

_INT32 = 1 << 31


class Ending:
    """fin(rq(v·by + plus, m, s)) for whole numbers v of one type, or of any that casts to it.

    `dtype` is what it computes in: int32, float64 or int64.
    """

    def __init__(self, op: Op, m: Any, s: Any, bound: int, *, by: Any = 1, plus: Any = 0) -> None:
        """Take numbers, or an int64 for each column; `bound` is on |v|, |v·by| and |plus|."""
        self._op = op
        m, self.s = _reduced(np.array(m, np.int64), np.array(s, np.int64))
        self.half = (np.int64(1) << self.s) >> 1
        self.m = m * np.array(by, np.int64)
        self._add = m * np.array(plus, np.int64) + self.half
        self.scale = self.m * 0.5**self.s
        shift = np.array(plus, np.float64) * (m * 0.5**self.s)
        self.plus = shift + (op.zp + np.where(self.s > 0, 0.5 + 0.5 ** (self.s + 1), 0))
        reach = max(abs(op.lo), abs(op.hi), abs(op.zp))
        room = 2.0 ** (52 - self.s) - 6.0 * reach - 3 * np.abs(shift) - 12
        self.is_float = bool(
            bound < _WHOLE and (np.abs(self.m) < _WHOLE).all() and (room > 0).all()
        )
        self._is_shift = bool((self.m == 1).all()) and 2 * bound + reach < _INT32
        self._is_narrow = bool((bound * np.abs(self.scale) + np.abs(self.plus) < _INT32).all())
        kind = np.int32 if self._is_shift else np.float64 if self.is_float else np.int64
        self.dtype: np.dtype[Any] = np.dtype(kind)

    def __call__(self, v: Any) -> Any:
        """Return the finished numbers; v stays as it is."""
        if self._is_shift:
            v = np.add(v, self._add, dtype=np.int32, casting="unsafe")
            v >>= self.s.astype(np.int32)
            return clamped(self._op, v)
        if self.is_float:
            v = np.multiply(v, self.scale, dtype=np.float64)
            v += self.plus
            np.floor(v, out=v)
            return _limited(self._op, v.astype(np.int32) if self._is_narrow else v)
        v = np.multiply(v, self.m, dtype=np.int64, casting="unsafe")
        v += self._add
        v >>= self.s
        return clamped(self._op, v)


def clamped(op: Op, v: Any) -> Any:
    """Return fin(v), computed in v itself."""
    if op.zp:
        v += v.dtype.type(op.zp)
    return _limited(op, v)


def _limited(op: Op, v: Any) -> Any:
    np.maximum(v, v.dtype.type(op.lo), out=v)
    return np.minimum(v, v.dtype.type(op.hi), out=v)


def _reduced(m: Int64s, s: Int64s) -> tuple[Int64s, Int64s]:
    """Return m and s with common factors of 2 taken out, which rq does not see while s ≥ 1."""
    while (even := (m % 2 == 0) & (s > 1)).any():
        m, s = np.where(even, m >> 1, m), np.where(even, s - 1, s)
    return m, s
