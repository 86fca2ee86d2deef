"""How near a program is to its float model."""

from collections.abc import Callable, Mapping

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.calibrate import batches
from worker.tensor.importers.floats.rows import softmax

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""A model, float or integer: one batch of inputs to its outputs, both by name."""


def outputs(run: Run, samples: Mapping[str, Array], batch: int) -> dict[str, Array]:
    """Return a model's outputs for all samples, run in batches. Raises UsageError as `batches`."""
    count = len(next(iter(samples.values())))
    results = [run(feeds) for feeds in batches(samples, batch)]
    repeated = batch * len(results) - count  # what the last batch was filled up with
    return {
        name: np.concatenate([*(r[name] for r in results[:-1]), results[-1][name][repeated:]])
        for name in results[0]
    }


def agreement(real: Array, integer: Array) -> float:
    """Return in how many rows the largest element is the same one."""
    return round(float((real.argmax(-1) == integer.argmax(-1)).mean()), 4)


def confidence(logits: Array) -> Array:
    """Return the probability of each row's largest element."""
    result: Array = softmax(logits.astype(np.float64)).max(-1)
    return result


def cosines(real: Array, integer: Array) -> Array:
    """Return the cosine between the rows of both."""
    real, integer = (x.reshape(len(x), -1).astype(np.float64) for x in (real, integer))
    lengths = np.linalg.norm(real, axis=1) * np.linalg.norm(integer, axis=1)
    result: Array = (real * integer).sum(1) / np.maximum(lengths, 1e-30)
    return result


def order_of_pairs(real: Array, integer: Array) -> tuple[float, float]:
    """Return Spearman's correlation of pairs' likeness, and how often the nearest is the same."""
    pairs = np.triu_indices(len(real), 1)
    likeness = [_unit(x) @ _unit(x).T for x in (real, integer)]
    ranks = [_ranks(x[pairs]) for x in likeness]
    for x in likeness:
        np.fill_diagonal(x, -np.inf)
    nearest = [x.argmax(1) for x in likeness]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1]), float((nearest[0] == nearest[1]).mean())


def relative_error(real: Array, integer: Array) -> float:
    """Return the root mean square of the difference, in standard deviations of the real one."""
    spread = max(float(real.std()), 1e-30)
    return float(np.sqrt(np.mean((real - integer) ** 2))) / spread


def _unit(x: Array) -> Array:
    x = x.astype(np.float64)
    result: Array = x / np.linalg.norm(x, axis=1, keepdims=True)
    return result


def _ranks(x: Array) -> Array:
    ranks = np.empty(len(x))
    ranks[np.argsort(x, kind="stable")] = np.arange(len(x))
    return ranks
