"""Know a layer whose output is cut off: the layer's own clamp does it for nothing."""

import math

from worker.tensor.importers.fold import scalar
from worker.tensor.importers.graph import Graph, Node
from worker.tensor.importers.recognise.probes import Shapes
from worker.tensor.importers.region import Region


def as_clamped(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Return the layer with an attribute `clamp`, for a layer followed by Relu or Clip."""
    if len(region.nodes) != 2 or region.nodes[0].op not in ("Conv", "Linear"):
        return ()
    layer, after = region.nodes
    if after.op not in ("Clip", "Relu") or "clamp" in layer.attributes:
        return ()
    attributes = {**layer.attributes, "clamp": clamp_of(region.graph, after)}
    return (Node(layer.op, layer.name, layer.inputs, (region.target,), attributes),)


def clamp_of(graph: Graph, node: Node) -> tuple[float, float]:
    """Return the least and the greatest value that a Relu or Clip lets through."""
    if node.op == "Relu":
        return 0.0, math.inf
    limits = [scalar(graph, name) for name in (*node.inputs[1:], "", "")[:2]]
    low = node.attributes.get("min", limits[0])
    high = node.attributes.get("max", limits[1])
    return -math.inf if low is None else low, math.inf if high is None else high
