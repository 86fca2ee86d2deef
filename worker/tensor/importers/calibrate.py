"""Run the float model on calibration data and remember what quantisation needs to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.evaluate import evaluate
from worker.tensor.importers.floats.linear import patches
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.quantise.observe import Moments, Range

_ROWS = 128  # of a layer's input, taken from each batch

Feeds = Mapping[str, Array]


@dataclass
class Calibration:
    """What was seen of every tensor, and of the inputs of every layer by the layer's output."""

    ranges: dict[str, Range] = field(default_factory=dict)
    moments: dict[str, Moments] = field(default_factory=dict)


def batches(samples: Feeds, size: int) -> Iterator[Feeds]:
    """Cut samples into batches; the last is filled up with the samples before it.

    Raises UsageError when there are fewer samples than one batch, or not as many of each input.
    """
    counts = {len(array) for array in samples.values()}
    if len(counts) != 1 or (total := counts.pop()) < size:
        raise UsageError(f"a batch is {size} samples of every input; too few were given")
    for start in range(0, total, size):
        begin = min(start, total - size)
        yield {name: array[begin : begin + size] for name, array in samples.items()}


def calibrate(graph: Graph, samples: Feeds, size: int) -> Calibration:
    """Evaluate `graph` on all samples. Raises UsageError when a tensor is not finite."""
    result = Calibration()
    layers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.op in ("Conv", "Linear"):
            layers.setdefault(node.inputs[0], []).append(node)
            result.moments[node.outputs[0]] = Moments()

    def observe(name: str, value: Array) -> None:
        result.ranges.setdefault(name, Range()).add(name, value)
        for layer in layers.get(name, []):
            rows = layer_rows(graph, layer, value)
            moments = result.moments[layer.outputs[0]]
            moments.add(_some(rows, moments.count))

    exact = replace(graph, constants={n: _doubled(x) for n, x in graph.constants.items()})
    for feeds in batches(samples, size):
        doubled = {name: _doubled(value) for name, value in feeds.items()}
        for name, value in doubled.items():
            observe(name, value)
        evaluate(exact, doubled, observe)
    return result


def _doubled(x: Array) -> Array:
    """Return floats in double precision: then every machine rounds to the same integers."""
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def layer_rows(graph: Graph, layer: Node, x: Array) -> Array:
    """Return the rows that a layer's weights are multiplied with, in the program's order."""
    if layer.op == "Linear":
        return x.reshape(-1, x.shape[-1])
    return patches(layer, x, graph.constants[layer.inputs[1]].shape)


def _some(rows: Array, seed: int) -> Array:
    if len(rows) <= _ROWS:
        return rows
    chosen: Array = rows[np.random.default_rng(seed).choice(len(rows), _ROWS, replace=False)]
    return chosen
