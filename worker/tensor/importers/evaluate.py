"""Run a float graph in NumPy: the reference that quantisation is calibrated and judged by."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.floats.elementwise import BINARY, OTHER, UNARY
from worker.tensor.importers.floats.linear import LINEAR
from worker.tensor.importers.floats.rows import ROWS, normalise
from worker.tensor.importers.floats.shapes import SHAPES
from worker.tensor.importers.graph import Graph, Node

KERNELS: dict[str, Callable[..., Array | Sequence[Array]]] = {
    **UNARY,
    **BINARY,
    **OTHER,
    **LINEAR,
    **ROWS,
    **SHAPES,
    "AxisNorm": lambda n, x, scale, shift: _axis_norm(n, x, scale, shift),
    "Conv": lambda n, x, *w: _clamped(n, LINEAR["Conv"](n, x, *w)),
    "Linear": lambda n, x, w, b: _clamped(n, x @ w.T.astype(x.dtype) + b.astype(x.dtype)),
    "Rescale": lambda n, x: x * np.asarray(n.attributes["factor"], x.dtype),
    "Table": lambda n, x: n.attributes["function"](x),
}
Observer = Callable[[str, Array], None]


def check_supported(graph: Graph) -> None:
    """Raise UsageError that names every node which this project cannot read."""
    strange = [str(node) for node in graph.nodes if node.op not in KERNELS or _is_dilated(node)]
    if strange:
        raise UsageError(f"operators that are not supported: {', '.join(strange)}")


def _axis_norm(node: Node, x: Array, scale: Array, shift: Array) -> Array:
    """Layer norm over one axis (see recognise): scale and shift lie along that axis."""
    axis = node.attributes["axis"]
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    core = normalise(x, (axis,), node.attributes["epsilon"])
    return np.asarray(core * scale.reshape(shape) + shift.reshape(shape), x.dtype)


def _clamped(node: Node, x: Array) -> Array:
    return np.clip(x, *node.attributes["clamp"]) if "clamp" in node.attributes else x


def _is_dilated(node: Node) -> bool:
    dilations = node.attributes.get("dilations", [1])
    return any(d != 1 for d in dilations) or bool(node.attributes.get("ceil_mode", 0))


def run_node(node: Node, values: Mapping[str, Array]) -> tuple[Array, ...]:
    """Return the node's outputs; UsageError with its name when it cannot work on these values."""
    arguments = [values[name] if name else None for name in node.inputs]
    while arguments and arguments[-1] is None:
        arguments.pop()
    try:
        with np.errstate(all="ignore"):
            result = KERNELS[node.op](node, *arguments)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise UsageError(f"{node} cannot run: {error}") from error
    return tuple(result) if isinstance(result, list) else (np.asarray(result),)


def evaluate(
    graph: Graph, feeds: Mapping[str, Array], observe: Observer | None = None
) -> dict[str, Array]:
    """Return the graph's outputs by name. `observe` is shown every tensor as it is made."""
    values: dict[str, Array] = {**graph.constants, **feeds}
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    for i, node in enumerate(graph.nodes):
        for name, value in zip(node.outputs, run_node(node, values), strict=False):
            values[name] = value
            if observe is not None:
                observe(name, value)
        for name in node.inputs:
            if last_use.get(name) == i and name not in graph.outputs:
                values.pop(name, None)
    return {name: values[name] for name in graph.outputs}
