"""The part of a graph between two tensors, as a function that can be probed.

Exporters write a layer norm, a GELU or a one-hot product in many ways. Recognisers therefore do not
match shapes of graphs: they cut a region out, run it on probes and compare with what it should be.
"""

from dataclasses import dataclass

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.evaluate import run_node
from worker.tensor.importers.graph import Graph, Node

MAX_NODES = 24


@dataclass(frozen=True)
class Region:
    """Nodes that compute `target` from `source` and constants alone."""

    graph: Graph
    source: str
    target: str
    nodes: tuple[Node, ...]

    def __call__(self, probe: Array) -> Array:
        """Return the target's value where the source has the value `probe`."""
        values = {**self.graph.constants, self.source: probe}
        for node in self.nodes:
            values.update(zip(node.outputs, run_node(node, values), strict=False))
        return values[self.target]

    def ops(self) -> set[str]:
        """Return the names of the region's operators."""
        return {node.op for node in self.nodes}


def shapes_of(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Return each tensor's shape; the graph must have fixed input shapes (see fold)."""
    values: dict[str, Array] = dict(graph.constants)
    for name, shape in graph.inputs.items():
        values[name] = np.zeros([n or 1 for n in shape], np.float32)
    integers = _index_inputs(graph)
    values.update({name: values[name].astype(np.int64) for name in integers})
    for node in graph.nodes:
        values.update(zip(node.outputs, run_node(node, values), strict=False))
    return {name: value.shape for name, value in values.items()}


def _index_inputs(graph: Graph) -> set[str]:
    """Return the inputs that some node uses as an index."""
    return {n.inputs[1] for n in graph.nodes if n.op == "Gather" and n.inputs[1] in graph.inputs}


def regions_into(graph: Graph, target: Node) -> list[Region]:
    """Return the regions that end in `target`, the smallest first."""
    producers = graph.producers()
    found: list[Region] = []
    inside: list[Node] = [target]
    while len(inside) <= MAX_NODES:
        made = {name for node in inside for name in node.outputs}
        needs = {
            name
            for node in inside
            for name in node.inputs
            if name and name not in made and name not in graph.constants
        }
        if len(needs) == 1:
            found.append(
                Region(graph, needs.copy().pop(), target.outputs[0], _ordered(graph, inside))
            )
        latest = _latest(graph, needs, producers)
        if latest is None:
            break
        inside.append(latest)
    return found


def _latest(graph: Graph, names: set[str], producers: dict[str, Node]) -> Node | None:
    position = {id(node): i for i, node in enumerate(graph.nodes)}
    candidates = [producers[name] for name in names if name in producers]
    return max(candidates, key=lambda node: position[id(node)], default=None)


def _ordered(graph: Graph, nodes: list[Node]) -> tuple[Node, ...]:
    chosen = {id(node) for node in nodes}
    return tuple(node for node in graph.nodes if id(node) in chosen)
