"""Run the float encoder on calibration text and keep what it computes."""

from collections.abc import Iterable, Mapping

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.bert.forward import forward
from worker.tensor.importers.bert.weights import Encoder
from worker.tensor.quantise.observe import Moments


class Statistics:
    """Every tensor of the encoder on the calibration data, a row for each real token."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._parts: dict[str, list[Array]] = {}
        self._reach: dict[str, float] = {}

    def add(self, name: str, x: Array) -> None:
        """Take in one batch; of scores only the extremes are kept. Raises UsageError on NaN."""
        reach = float(np.abs(x).max())
        if not np.isfinite(reach):
            raise UsageError(f'calibration: tensor "{name}" is not finite')
        self._reach[name] = max(reach, self._reach.get(name, 0.0))
        if not name.endswith(".scores"):
            self._parts.setdefault(name, []).append(x)

    def rows(self, name: str) -> Array:
        """Return all rows of a tensor."""
        return np.concatenate(self._parts[name])

    def reach(self, *names: str) -> float:
        """Return the largest magnitude in any of the tensors."""
        return max(self._reach[name] for name in names)


def observe(encoder: Encoder, batches: Iterable[Mapping[str, Array]]) -> Statistics:
    """Return what the float encoder computes on batches of ids and masks."""
    seen = Statistics()
    for feeds in batches:
        forward(encoder, feeds["ids"], feeds["mask"], seen.add)
    return seen


def moments(rows: Array) -> Moments:
    """Return the moments of rows."""
    result = Moments()
    result.add(np.asarray(rows, np.float64))
    return result
