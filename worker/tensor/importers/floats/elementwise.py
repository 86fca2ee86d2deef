"""Float reference of ONNX's elementwise operators."""

from collections.abc import Callable

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Node

_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def erf(x: Array) -> Array:
    """The error function, within 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    polynomial = np.zeros_like(t)
    for coefficient in reversed(_ERF):
        polynomial = (polynomial + coefficient) * t
    result: Array = np.sign(x) * (1 - polynomial * np.exp(-x * x))
    return result


def gelu(x: Array) -> Array:
    """x·Φ(x), exact form."""
    result: Array = x * 0.5 * (1 + erf(x / np.sqrt(2).astype(x.dtype)))
    return result


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x) without overflow."""
    result: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return result


def _gelu(node: Node, x: Array) -> Array:
    if node.attributes.get("approximate", b"none") == b"none":
        return gelu(x)
    result: Array = x * 0.5 * (1 + np.tanh(np.float32(0.7978846) * (x + 0.044715 * x**3)))
    return result


def _clip(node: Node, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    low = node.attributes.get("min", low)
    high = node.attributes.get("max", high)
    return x if low is None and high is None else np.clip(x, low, high)


def _hard_sigmoid(node: Node, x: Array) -> Array:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    result: Array = np.clip(alpha * x + beta, 0, 1)
    return result


def _leaky_relu(node: Node, x: Array) -> Array:
    return np.where(x < 0, node.attributes.get("alpha", 0.01) * x, x)


def _elu(node: Node, x: Array) -> Array:
    return np.where(x < 0, node.attributes.get("alpha", 1.0) * np.expm1(np.minimum(x, 0)), x)


def _divide(node: Node, a: Array, b: Array) -> Array:
    return a // b if np.issubdtype(a.dtype, np.integer) else a / b


UNARY: dict[str, Callable[..., Array]] = {
    "Abs": lambda n, x: np.abs(x),
    "Clip": _clip,
    "Elu": _elu,
    "Erf": lambda n, x: erf(x),
    "Exp": lambda n, x: np.exp(x),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda n, x: x * np.clip(x / 6 + 0.5, 0, 1),
    "LeakyRelu": _leaky_relu,
    "Log": lambda n, x: np.log(x),
    "Neg": lambda n, x: -x,
    "Reciprocal": lambda n, x: 1 / x,
    "Relu": lambda n, x: np.maximum(x, 0),
    "Sigmoid": lambda n, x: sigmoid(x),
    "Softplus": lambda n, x: np.logaddexp(x, 0),
    "Sqrt": lambda n, x: np.sqrt(x),
    "Tanh": lambda n, x: np.tanh(x),
}
BINARY: dict[str, Callable[..., Array]] = {
    "Add": lambda n, a, b: a + b,
    "Div": _divide,
    "Max": lambda n, *xs: _fold(np.maximum, xs),
    "Min": lambda n, *xs: _fold(np.minimum, xs),
    "Mul": lambda n, a, b: a * b,
    "Pow": lambda n, a, b: np.power(a, b).astype(a.dtype),
    "Sub": lambda n, a, b: a - b,
}
OTHER: dict[str, Callable[..., Array]] = {
    "Equal": lambda n, a, b: np.equal(a, b),
    "Greater": lambda n, a, b: np.greater(a, b),
    "Less": lambda n, a, b: np.less(a, b),
    "Not": lambda n, a: np.logical_not(a),
    "Where": lambda n, c, a, b: np.where(c, a, b),
}


def _fold(function: Callable[[Array, Array], Array], xs: tuple[Array, ...]) -> Array:
    result = xs[0]
    for x in xs[1:]:
        result = function(result, x)
    return result
