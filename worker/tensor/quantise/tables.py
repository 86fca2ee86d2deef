"""Tables of 256 entries: any function of one i8 number."""

from collections.abc import Callable

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.quantise.scale import Scale
from worker.tensor.tensors import DType


def table(function: Callable[[Array], Array], x: Scale, y: Scale) -> Array:
    """Return the 1 x 256 table of `function` between two scales."""
    reals = x.real(np.arange(DType.I8.min, DType.I8.max + 1))
    return y.quantise(function(reals)).reshape(1, 256)
