"""What calibration remembers of each tensor."""

from dataclasses import dataclass, field

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array

_KEEP = 1 << 15  # values in a sample
_SEED = 20_240_601


@dataclass
class Range:
    """The extremes of a tensor over the calibration data, and a fair sample of its values."""

    low: float = np.inf
    high: float = -np.inf
    seen: int = 0
    _parts: list[Array] = field(default_factory=list)

    def add(self, name: str, x: Array) -> None:
        """Take in one batch; UsageError when it holds NaN or infinity."""
        low, high = float(x.min()), float(x.max())
        if not np.isfinite((low, high)).all():
            raise UsageError(f'calibration: tensor "{name}" is not finite')
        self.low, self.high = min(self.low, low), max(self.high, high)
        rng = np.random.default_rng((_SEED, self.seen))
        flat = x.reshape(-1)
        self._parts.append(flat if flat.size < 4096 else rng.choice(flat, 4096, replace=False))
        self.seen += 1

    @property
    def amax(self) -> float:
        """The largest magnitude seen."""
        return max(abs(self.low), abs(self.high))

    def sample(self) -> Array:
        """Return some of the values seen, the extremes among them."""
        values = np.concatenate([*self._parts, [self.low, self.high]])
        if values.size > _KEEP:
            keep = np.random.default_rng(_SEED).choice(values.size - 2, _KEEP, replace=False)
            values = np.concatenate([values[keep], values[-2:]])
        return values.astype(np.float64)


@dataclass
class Moments:
    """Means and second moments of a linear operator's input columns: what its weights multiply."""

    count: int = 0
    total: Array = field(default_factory=lambda: np.zeros(0))
    products: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, rows: Array) -> None:
        """Take in rows of inputs."""
        if not self.count:
            width = rows.shape[1]
            self.total, self.products = np.zeros(width), np.zeros((width, width))
        self.count += len(rows)
        self.total += rows.sum(0, dtype=np.float64)
        self.products += rows.T @ rows

    @property
    def mean(self) -> Array:
        """The mean input."""
        return self.total / self.count

    @property
    def covariance(self) -> Array:
        """The curvature of the output's squared error in the weights, once the bias makes up for
        the mean error."""
        mean = self.mean
        result: Array = self.products / self.count - np.outer(mean, mean)
        return result
