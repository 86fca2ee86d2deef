"""From a float linear layer to the integers of MATMUL and CONV2D."""

from typing import NamedTuple

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.numbers import multiplier
from worker.tensor.quantise.gptq import gptq
from worker.tensor.quantise.observe import Moments
from worker.tensor.quantise.scale import Scale
from worker.tensor.quantise.weights import Quantised

_LEAST_RATIO = 2.0**-30  # of an accumulator's step to an output's: what a multiplier can hold
_MAX_BIAS = (1 << 30) - 1


class Packed(NamedTuple):
    """Weights and the three numbers of each row."""

    w: Array
    b: Array
    m: Array
    s: Array


def pack(w: Array, bias: Array, seen: Moments, x: Scale, out: Array) -> Packed:
    """Return the integers of x · wᵀ + bias.

    `seen` is what calibration saw of the reals x; `out` is the scale of the output, one or one for
    each row. The input's zero point and the mean error of rounding are folded into b.
    """
    quantised = gptq(w, seen.covariance, _least_scales(bias, x, out))
    error = w - quantised.q * quantised.scale[:, None]
    return _tails(quantised, bias + error @ seen.mean, x, out)


def _least_scales(bias: Array, x: Scale, out: Array) -> Array:
    """Return the least weight scale of each row for which bias and multiplier stay in range."""
    limits = np.abs(bias) / (_MAX_BIAS / 2), np.broadcast_to(out, bias.shape) * _LEAST_RATIO
    result: Array = np.maximum(*limits) / x.scale
    return result


def _tails(quantised: Quantised, bias: Array, x: Scale, out: Array) -> Packed:
    step = quantised.scale * x.scale
    sums = quantised.q.astype(np.int64).sum(1)
    b = (np.rint(bias / step) - x.zero * sums).astype(np.int32)
    pairs = [multiplier(ratio) for ratio in step / out]
    m, s = zip(*pairs, strict=True)
    return Packed(quantised.q, b, np.array(m), np.array(s))
