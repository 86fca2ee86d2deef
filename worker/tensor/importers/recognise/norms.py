"""Know softmax and layer norm, however they are spelt."""

import numpy as np

from worker.tensor.importers.floats.rows import normalise, softmax
from worker.tensor.importers.fold import scalar
from worker.tensor.importers.graph import Node
from worker.tensor.importers.recognise.probes import Shapes, columns, fit, probe, probes, same
from worker.tensor.importers.region import Region


def as_softmax(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Know a softmax over one axis, written with Exp and sums."""
    shape = shapes[region.source]
    if shape != shapes[region.target] or not {"Exp", "Div", "ReduceSum"} <= region.ops():
        return ()
    value = probe(shape)
    result = region(value)
    for axis in range(len(shape)):
        if same(result, softmax(value, axis)):
            return (Node("Softmax", "", (region.source,), (region.target,), {"axis": axis}),)
    return ()


def as_layer_norm(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Know a layer norm over one axis, with a scale and a shift along that axis."""
    shape = shapes[region.source]
    if shape != shapes[region.target] or len(shape) < 2 or not _may_be_norm(region):
        return ()
    epsilon = _epsilon(region)
    for axis in range(1, len(shape)):
        values = probes(shape, int(np.prod(shape)) // shape[axis])
        cores = [columns(normalise(value, (axis,), epsilon), axis) for value in values]
        results = [columns(region(value), axis) for value in values]
        found = fit(np.concatenate(cores), np.concatenate(results))
        if found is not None:
            names = (f"{region.target}.scale", f"{region.target}.shift")
            constants = dict(zip(names, found, strict=True))
            attributes = {"axis": axis, "epsilon": epsilon, "constants": constants}
            return (Node("AxisNorm", "", (region.source, *names), (region.target,), attributes),)
    return ()


def _may_be_norm(region: Region) -> bool:
    ops = region.ops()
    if "LayerNormalization" in ops:
        return len(region.nodes) == 1
    return bool({"ReduceMean", "ReduceSum"} & ops and {"Sqrt", "Pow"} & ops)


def _epsilon(region: Region) -> float:
    """Return the number that keeps the region's root from zero."""
    made = {name: node for node in region.nodes for name in node.outputs}
    for node in region.nodes:
        if node.op == "LayerNormalization":
            return float(node.attributes.get("epsilon", 1e-5))
        if node.op in ("Sqrt", "Pow") and node.inputs[0] in made:
            inner = made[node.inputs[0]]
            numbers = [scalar(region.graph, name) for name in inner.inputs]
            if inner.op == "Add" and any(n is not None for n in numbers):
                return next(n for n in numbers if n is not None)
    return 0.0
