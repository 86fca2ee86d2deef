"""Float reference of ONNX's operators that move elements or speak of shapes."""

from collections.abc import Callable, Sequence

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Node

# The element types of ONNX that the supported models use.
_TYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64,
}  # fmt: skip


def _cast(node: Node, x: Array) -> Array:
    return x.astype(_TYPES[node.attributes["to"]])


def _reshape(node: Node, x: Array, shape: Array) -> Array:
    keep = not node.attributes.get("allowzero", 0)
    wanted = [x.shape[i] if n == 0 and keep else int(n) for i, n in enumerate(shape)]
    return x.reshape(wanted)


def _flatten(node: Node, x: Array) -> Array:
    axis = node.attributes.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def axes_of(node: Node, axes: Array | None) -> tuple[int, ...] | None:
    """Return the axes that `node` names, in its attribute (old models) or in an input."""
    if axes is None:
        axes = node.attributes.get("axes")
    return None if axes is None else tuple(int(a) for a in axes)


def _squeeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    return np.squeeze(x, axes_of(node, axes))


def _unsqueeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    return np.expand_dims(x, axes_of(node, axes) or ())


def _transpose(node: Node, x: Array) -> Array:
    return np.transpose(x, node.attributes.get("perm"))


def _slice(node: Node, x: Array, *rest: Array) -> Array:
    starts, ends = rest[:2] if rest else (node.attributes["starts"], node.attributes["ends"])
    axes = rest[2] if len(rest) > 2 else node.attributes.get("axes", range(len(starts)))
    steps = rest[3] if len(rest) > 3 else [1] * len(starts)
    index = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # A backward slice that ends before the first element has no number for its end.
        stop = None if step < 0 and end < -x.shape[axis] else int(end)
        index[axis] = slice(int(start), stop, int(step))
    return x[tuple(index)]


def _concat(node: Node, *xs: Array) -> Array:
    return np.concatenate(xs, node.attributes["axis"])


def _split(node: Node, x: Array, sizes: Array | None = None) -> Sequence[Array]:
    axis = node.attributes.get("axis", 0)
    sizes = node.attributes.get("split", sizes)
    if sizes is None:
        return np.array_split(x, len(node.outputs), axis)
    return np.split(x, np.cumsum(sizes)[:-1], axis)


def _gather(node: Node, x: Array, index: Array) -> Array:
    return np.take(x, index, axis=node.attributes.get("axis", 0))


def _expand(node: Node, x: Array, shape: Array) -> Array:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(int(n) for n in shape)))


def _constant(node: Node) -> Array:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if name in node.attributes:
            value = np.asarray(node.attributes[name])
            return value.astype(np.float32) if value.dtype == np.float64 else value
    raise KeyError("value")


def _constant_of_shape(node: Node, shape: Array) -> Array:
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return np.full(tuple(int(n) for n in shape), value[0], value.dtype)


def _one_hot(node: Node, index: Array, depth: Array, values: Array) -> Array:
    hot = np.expand_dims(index, -1) % int(depth) == np.arange(int(depth))
    return np.moveaxis(np.where(hot, values[1], values[0]), -1, node.attributes.get("axis", -1))


def _pad(node: Node, x: Array, pads: Array, value: Array | None = None) -> Array:
    if node.attributes.get("mode", b"constant") != b"constant":
        raise KeyError("mode")
    half = len(pads) // 2
    widths = list(zip(pads[:half], pads[half:], strict=True))
    return np.pad(x, widths, constant_values=0 if value is None else float(value))


SHAPES: dict[str, Callable[..., Array | Sequence[Array]]] = {
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Dropout": lambda n, x, *rest: x,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": lambda n, x: x,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": lambda n, start, end, step: np.arange(start, end, step),
    "Reshape": _reshape,
    "Shape": lambda n, x: np.array(x.shape, np.int64),
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
