"""Know a function of one integer: whatever is done to it, a row of a table comes out."""

import numpy as np

from worker.tensor.importers.graph import Node
from worker.tensor.importers.recognise.probes import Shapes, same
from worker.tensor.importers.region import Region


def as_embedding(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Know one-hot products and looked-up rows, with all that is done to each row afterwards."""
    source, target = shapes[region.source], shapes[region.target]
    vocabulary = _vocabulary(region)
    if region.source not in region.graph.inputs or vocabulary is None:
        return ()
    if len(target) != len(source) + 1 or target[:-1] != source:
        return ()
    count = int(np.prod(source))
    starts = range(0, vocabulary, count)
    indices = [(np.arange(start, start + count) % vocabulary).reshape(source) for start in starts]
    rows = np.concatenate([region(index).reshape(count, -1) for index in indices])
    table = rows[:vocabulary].astype(np.float32)
    shuffled = np.random.default_rng(0).integers(0, vocabulary, source)
    if not same(region(shuffled), table[shuffled]):
        return ()
    name = f"{region.target}.table"
    constants = {"constants": {name: table}}
    return (Node("Gather", "", (name, region.source), (region.target,), constants),)


def _vocabulary(region: Region) -> int | None:
    """Return how many integers the region tells apart."""
    constants = region.graph.constants
    for node in region.nodes:
        if node.op == "Gather" and node.inputs[0] in constants and region.source == node.inputs[1]:
            return int(constants[node.inputs[0]].shape[0])
        if node.op == "Equal":
            return next((constants[n].size for n in node.inputs if n in constants), None)
        if node.op == "OneHot" and node.inputs[1] in constants:
            return int(constants[node.inputs[1]].reshape(()))
    return None
