"""Fix a graph's input shapes and compute beforehand all that follows from constants and shapes."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.evaluate import run_node
from worker.tensor.importers.graph import Graph, Node

_NO_CHANGE = ("Identity", "Dropout")
_SAME_IF_SHAPE_STAYS = ("Expand", "Flatten", "Pad", "Reshape", "Slice", "Squeeze", "Unsqueeze")


def fold(graph: Graph, feeds: Mapping[str, Array]) -> Graph:
    """Return `graph` for inputs of the shapes of `feeds`, without nodes of known value.

    `feeds` is one sample batch: only shapes are taken from it. UsageError if they do not fit.
    """
    _check_shapes(graph, feeds)
    known: dict[str, Array] = dict(graph.constants)
    shapes = {name: value.shape for name, value in feeds.items()}
    values: dict[str, Array] = {**known, **feeds}
    renamed: dict[str, str] = {}
    kept: list[Node] = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        results = dict(zip(node.outputs, run_node(node, values), strict=False))
        values.update(results)
        if node.op == "Shape" or all(name in known or not name for name in node.inputs):
            known.update(results)
        elif _changes_nothing(node, values):
            renamed[node.outputs[0]] = node.inputs[0]
        else:
            kept.append(node)
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return Graph(shapes, outputs, known, tuple(kept)).without_dead_nodes()


def _changes_nothing(node: Node, values: Mapping[str, Array]) -> bool:
    if node.op in _SAME_IF_SHAPE_STAYS:
        return values[node.inputs[0]].shape == values[node.outputs[0]].shape
    return node.op in _NO_CHANGE


def _check_shapes(graph: Graph, feeds: Mapping[str, Array]) -> None:
    if set(graph.inputs) != set(feeds):
        raise UsageError(f"the model's inputs are {sorted(graph.inputs)}, not {sorted(feeds)}")
    for name, wanted in graph.inputs.items():
        given = feeds[name].shape
        fits = len(given) == len(wanted) and all(
            w in (None, g) for w, g in zip(wanted, given, strict=True)
        )
        if not fits:
            raise UsageError(f'input "{name}" has shape {given}; the model takes {wanted}')


def scalar(graph: Graph, name: str) -> float | None:
    """Return the one number that constant `name` holds, or None if it is no such constant."""
    value = graph.constants.get(name)
    if value is None or value.size != 1 or not np.issubdtype(value.dtype, np.number):
        return None
    return float(value.reshape(()))
