"""From a float linear layer to the integers of MATMUL and CONV2D."""

from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.numbers import multiplier
from worker.tensor.quantise.scale import Scale
from worker.tensor.quantise.weights import Quantised

_LEAST_RATIO = 2.0**-30  # of an accumulator's step to an output's: what a multiplier can hold
_MAX_BIAS = (1 << 30) - 1


def least_scales(bias: Array, x: Scale, out: Array) -> Array:
    """Return the least weight scale of each row for which bias and multiplier stay in range."""
    limits = np.abs(bias) / (_MAX_BIAS / 2), np.broadcast_to(out, bias.shape) * _LEAST_RATIO
    result: Array = np.maximum(*limits) / x.scale
    return result


class Tail(NamedTuple):
    """The three numbers of each row."""

    b: Array
    m: Array
    s: Array


def correct_bias(w: Array, quantised: Quantised, bias: Array, mean: Array) -> Array:
    """Return the bias that makes up for the mean error which rounding the weights brings."""
    error = w - quantised.q * quantised.scale[:, None]
    result: Array = bias + error @ mean
    return result


def tails(quantised: Quantised, bias: Array, x: Scale, out: Array) -> Tail:
    """Return b, m and s of each row; `out` is the scale of the output, one or one for each row.

    The input's zero point is folded into b.
    """
    step = quantised.scale * x.scale
    sums = quantised.q.astype(np.int64).sum(1)
    b = (np.rint(bias / step) - x.zero * sums).astype(np.int32)
    pairs = [multiplier(ratio) for ratio in step / out]
    m, s = zip(*pairs, strict=True)
    return Tail(b, np.array(m), np.array(s))
