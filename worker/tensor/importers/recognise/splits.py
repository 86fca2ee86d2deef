"""Write every Split as one Slice for each part."""

from dataclasses import replace

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.importers.region import shapes_of


def without_splits(graph: Graph) -> Graph:
    """Return the same model, in which every node has one output."""
    shapes, nodes = shapes_of(graph), []
    constants: dict[str, Array] = dict(graph.constants)
    for node in graph.nodes:
        if node.op != "Split":
            nodes.append(node)
            continue
        axis, start = node.attributes.get("axis", 0), 0
        for name in node.outputs:
            stop = start + shapes[name][axis]
            limits = {f"{name}.{what}": np.array([value]) for what, value in
                      (("start", start), ("stop", stop), ("axis", axis))}  # fmt: skip
            constants |= limits
            nodes.append(Node("Slice", node.name, (node.inputs[0], *limits), (name,)))
            start = stop
    return replace(graph, nodes=tuple(nodes), constants=constants)
