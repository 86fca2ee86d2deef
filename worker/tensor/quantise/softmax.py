"""The integers of softmax: differences to the maximum, a table of powers, one division at the end.

Dividing last keeps the whole precision of the sum; dividing the powers would round each of them.
"""

import math
from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.build import Fin
from worker.tensor.numbers import Multiplier
from worker.tensor.tensors import DType

STEP = 5.5 / 255  # of the exponent: e^-5.5 is the last power above 0
FINE_STEP = 11 / 255  # for long rows, with powers of 14 bits
FINE_TOP = 127 * 128 + 127
TOP = 127
_SHARE_BITS = 36


def to_steps(scale: float, step: float) -> tuple[int, int]:
    """Return ADD's factor and shift that bring x - max to steps of the exponent."""
    ratio = scale / step
    s = 30 - max(math.frexp(ratio)[1], -30)
    return round(ratio * 2**s), s


def exp_table(step: float, top: int = TOP) -> Array:
    """Return e^-x in 1/top; entry 0, which is also what masked elements reach, is nothing."""
    powers = np.rint(top * np.exp(np.arange(-255, 1) * step))
    powers[0] = 0
    table: Array = powers.astype(np.int8).reshape(1, 256)
    return table


class Share(NamedTuple):
    """How rows of powers are divided by their sums: MUL by ⌊c / sum⌋, then a shift."""

    c: int
    fin: Fin  # of the DIV: a row's sum is at least `top`, its greatest element
    by: Multiplier


def exp_tables(step: float) -> tuple[Array, Array]:
    """Return e^-x in 1/16383 as two tables: 128 · high + low."""
    powers = np.rint(FINE_TOP * np.exp(np.arange(-255, 1) * step)).astype(np.int64)
    powers[0] = 0
    tables = [part.astype(np.int8).reshape(1, 256) for part in (powers >> 7, powers & 127)]
    return tables[0], tables[1]


def share(ratio: float, top: int = TOP) -> Share:
    """Return the integers for power · ratio / sum."""
    bits = _SHARE_BITS - max(0, math.frexp(ratio)[1])
    c = round(ratio * 2**bits)
    return Share(c, Fin(DType.I32, lo=0, hi=c // top), Multiplier(1, bits))
