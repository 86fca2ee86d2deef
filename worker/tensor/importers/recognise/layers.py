"""Know a linear layer or convolution together with the scales and shifts that follow it."""

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Node
from worker.tensor.importers.recognise.probes import Shapes, columns, fit, probes
from worker.tensor.importers.region import Region

_LAYERS = ("Conv", "Gemm", "MatMul")
_AFTER = {"Add", "BatchNormalization", "Div", "Mul", "Reshape", "Squeeze", "Sub", "Unsqueeze"}


def as_layer(region: Region, shapes: Shapes) -> tuple[Node, ...]:
    """Return `Linear` (weights N x K) or `Conv`, either with a bias.

    Batch norms, biases and scales by channel that follow are absorbed.
    """
    layer = region.nodes[0]
    if not _is_layer(layer, region) or not {node.op for node in region.nodes[1:]} <= _AFTER:
        return ()
    core = Region(region.graph, region.source, layer.outputs[0], region.nodes[:1])
    shape, target = shapes[core.target], shapes[region.target]
    if [n for n in shape if n > 1] != [n for n in target if n > 1]:
        return ()
    axis = 1 if layer.op == "Conv" else len(shape) - 1
    values = probes(shapes[region.source], int(np.prod(shape)) // shape[axis])
    bare = [columns(core(value), axis) for value in values]
    whole = [columns(region(value).reshape(shape), axis) for value in values]
    found = fit(np.concatenate(bare), np.concatenate(whole))
    return () if found is None else _nodes(region, layer, *found, shape, target)


def _is_layer(layer: Node, region: Region) -> bool:
    constants = region.graph.constants
    return (
        layer.op in _LAYERS
        and layer.inputs[0] == region.source
        and all(name in constants for name in layer.inputs[1:])
        and constants[layer.inputs[1]].ndim >= 2
        and not layer.attributes.get("transA", 0)
    )


def _nodes(
    region: Region,
    layer: Node,
    scale: Array,
    shift: Array,
    shape: tuple[int, ...],
    target: tuple[int, ...],
) -> tuple[Node, ...]:
    """Return the layer with `scale` and `shift` in its weights, and a reshape if one is needed."""
    weights, bias = _parameters(region, layer)
    weights = weights * scale.reshape(-1, *[1] * (weights.ndim - 1))
    made = region.target if target == shape else f"{region.target}.layer"
    names = (f"{region.target}.weights", f"{region.target}.bias")
    constants = {names[0]: weights, names[1]: bias * scale + shift}
    kind = "Conv" if layer.op == "Conv" else "Linear"
    attributes = {**layer.attributes, "constants": constants}
    node = Node(kind, layer.name, (region.source, *names), (made,), attributes)
    if target == shape:
        return (node,)
    shape_name = f"{region.target}.shape"
    wanted = {"constants": {shape_name: np.array(target)}}
    return node, Node("Reshape", "", (made, shape_name), (region.target,), wanted)


def _parameters(region: Region, layer: Node) -> tuple[Array, Array]:
    """Return weights with outputs first, and one bias for each output."""
    constants, attributes = region.graph.constants, layer.attributes
    weights = constants[layer.inputs[1]].astype(np.float64)
    factor = 1.0
    if layer.op == "Gemm":
        weights = attributes.get("alpha", 1.0) * weights
        factor = attributes.get("beta", 1.0)
    if layer.op != "Conv" and not attributes.get("transB", 0):
        weights = weights.T
    bias = constants[layer.inputs[2]] if len(layer.inputs) > 2 else np.zeros(1)
    return weights, factor * np.broadcast_to(bias.reshape(-1), len(weights)).astype(np.float64)
