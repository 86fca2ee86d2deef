"""What recognisers share: probes, and when two results are the same."""

from collections.abc import Callable, Mapping

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Node
from worker.tensor.importers.region import Region

Shapes = Mapping[str, tuple[int, ...]]
Recogniser = Callable[[Region, Shapes], tuple[Node, ...]]
"""Returns what computes the region's target instead, or nothing."""

_CLOSE = 1e-3  # float32 rounding of a region is far below this, another function far above
_ROWS = 8  # enough to tell a scale and a shift for each column from anything else


def probe(shape: tuple[int, ...], turn: int = 0) -> Array:
    """Return a random value; another one each turn."""
    return np.random.default_rng(turn).normal(size=shape).astype(np.float32)


def probes(shape: tuple[int, ...], rows: int) -> list[Array]:
    """Return as many probes as give enough rows to `fit`, if each gives `rows`."""
    return [probe(shape, turn) for turn in range(-(-_ROWS // rows))]


def same(a: Array, b: Array) -> bool:
    """Whether two results are equal but for rounding."""
    return a.shape == b.shape and bool(np.max(np.abs(a - b)) <= _CLOSE * np.max(np.abs(b)))


def columns(x: Array, axis: int) -> Array:
    """Return x as a matrix with `axis` as its columns."""
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis]).astype(np.float64)


def fit(cores: Array, results: Array) -> tuple[Array, Array] | None:
    """Return each column's scale and shift that make results of cores, or None if none do."""
    centred = cores - cores.mean(0)
    variance = np.maximum((centred * centred).mean(0), 1e-30)
    scale: Array = (centred * results).mean(0) / variance
    shift: Array = results.mean(0) - scale * cores.mean(0)
    return (scale, shift) if same(cores * scale + shift, results) else None
