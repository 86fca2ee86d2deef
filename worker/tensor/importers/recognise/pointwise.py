"""Know a function of one number at a time: GELU in any spelling, tanh, a division by a number."""

from worker.tensor.importers.floats.elementwise import BINARY, UNARY
from worker.tensor.importers.graph import Node
from worker.tensor.importers.recognise.probes import Shapes, probe, same
from worker.tensor.importers.region import Region

_CLAMPS = ("Clip", "Relu")


def as_pointwise(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Return a Table, or a Rescale where the function only multiplies by a positive number."""
    graph = region.graph
    if region.source in graph.constants or shapes[region.source] != shapes[region.target]:
        return ()
    used = {name for node in region.nodes for name in node.inputs}
    numbers_only = all(graph.constants[name].size == 1 for name in used & graph.constants.keys())
    if not region.ops() <= UNARY.keys() | BINARY.keys() or not numbers_only:
        return ()
    if len(region.nodes) == 1 and region.nodes[0].op in _CLAMPS:
        return ()  # what a linear operator clamps costs nothing; a table would
    value = probe(shapes[region.source])
    result = region(value)
    factor = float(result.reshape(-1)[0] / value.reshape(-1)[0])
    if factor > 0 and same(result, value * factor):
        return (Node("Rescale", "", (region.source,), (region.target,), {"factor": factor}),)
    return (Node("Table", "", (region.source,), (region.target,), {"function": region}),)
