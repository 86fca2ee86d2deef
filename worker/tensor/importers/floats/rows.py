"""Float reference of ONNX's operators over an axis: sums, norms, softmax."""

from collections.abc import Callable

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.floats.shapes import axes_of
from worker.tensor.importers.graph import Node


def softmax(x: Array, axis: int = -1) -> Array:
    """e^x over its sum along `axis`."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    result: Array = powers / powers.sum(axis=axis, keepdims=True)
    return result


def normalise(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """(x - mean) / √(variance + epsilon) along `axes`."""
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    result: Array = centred / np.sqrt(variance + np.asarray(epsilon, x.dtype))
    return result


def _layer_norm(node: Node, x: Array, scale: Array, bias: Array | None = None) -> Array:
    first = node.attributes.get("axis", -1) % x.ndim
    y = normalise(x, tuple(range(first, x.ndim)), node.attributes.get("epsilon", 1e-5)) * scale
    return y if bias is None else y + bias


def _batch_norm(node: Node, x: Array, *parameters: Array) -> Array:
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale, bias, mean, variance = (p.reshape(shape) for p in parameters)
    epsilon = np.asarray(node.attributes.get("epsilon", 1e-5), x.dtype)
    result: Array = (x - mean) / np.sqrt(variance + epsilon) * scale + bias
    return result


def _reduce(function: Callable[..., Array]) -> Callable[..., Array]:
    def run(node: Node, x: Array, axes: Array | None = None) -> Array:
        chosen = axes_of(node, axes)
        if not chosen and node.attributes.get("noop_with_empty_axes", 0):
            return x
        keep = bool(node.attributes.get("keepdims", 1))
        return np.asarray(function(x, axis=chosen or None, keepdims=keep))

    return run


def _arg_max(node: Node, x: Array) -> Array:
    axis = node.attributes.get("axis", 0)
    keep = bool(node.attributes.get("keepdims", 1))
    return np.asarray(np.argmax(x, axis, keepdims=keep))


ROWS: dict[str, Callable[..., Array]] = {
    "ArgMax": _arg_max,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "ReduceMax": _reduce(np.max),
    "ReduceMean": _reduce(np.mean),
    "ReduceSum": _reduce(np.sum),
    "Softmax": lambda n, x: softmax(x, n.attributes.get("axis", -1)),
}
