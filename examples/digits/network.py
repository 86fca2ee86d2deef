"""The few layers that the digit networks are made of, with the gradients to train them."""

from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]


class Layer(Protocol):
    """One step of a network. `backward` fills `gradients`, one for each of `parameters`."""

    parameters: list[Array]
    gradients: list[Array]

    def forward(self, x: Array) -> Array: ...

    def backward(self, dy: Array) -> Array: ...


class Dense:
    """y = x·W + b, images flattened first."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        w = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
        self.parameters, self.gradients = [w, np.zeros(outputs)], []

    def forward(self, x: Array) -> Array:
        self._shape, self._x = x.shape, x.reshape(len(x), -1)
        return self._x @ self.parameters[0] + self.parameters[1]

    def backward(self, dy: Array) -> Array:
        self.gradients = [self._x.T @ dy, dy.sum(0)]
        return (dy @ self.parameters[0].T).reshape(self._shape)


class Conv:
    """A 3 x 3 convolution of images (batch, channel, row, column), padded to keep their size."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        w = rng.normal(0, np.sqrt(2 / (9 * inputs)), (outputs, inputs, 3, 3))
        self.parameters, self.gradients = [w, np.zeros(outputs)], []

    def forward(self, x: Array) -> Array:
        self._windows = _windows(x)
        y = np.einsum("ncijkl,ockl->noij", self._windows, self.parameters[0], optimize=True)
        return y + self.parameters[1][:, None, None]

    def backward(self, dy: Array) -> Array:
        dw = np.einsum("ncijkl,noij->ockl", self._windows, dy, optimize=True)
        self.gradients = [dw, dy.sum((0, 2, 3))]
        turned = self.parameters[0][:, :, ::-1, ::-1]
        return np.einsum("noijkl,ockl->ncij", _windows(dy), turned, optimize=True)


class Relu:
    """max(x, 0)."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        self._positive = x > 0
        return x * self._positive

    def backward(self, dy: Array) -> Array:
        return dy * self._positive


class MaxPool:
    """The maximum of each 2 x 2 square."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        squares = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = squares.max((3, 5))
        self._chosen = squares == y[:, :, :, None, :, None]
        return y

    def backward(self, dy: Array) -> Array:
        n, c, h, _, w, _ = self._chosen.shape
        return (self._chosen * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


def _windows(x: Array) -> Array:
    return sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))


def train(layers: list[Layer], x: Array, labels: Array, rng: np.random.Generator) -> None:
    """Adam on cross entropy, 60 passes over the data with a falling step."""
    moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer.parameters] for layer in layers]
    passes, size, turn = 60, 32, 0
    for epoch in range(passes):
        step = 0.002 * (1 - epoch / passes)
        for batch in np.array_split(rng.permutation(len(x)), len(x) // size):
            turn += 1
            _gradients(layers, x[batch], labels[batch])
            for layer, pairs in zip(layers, moments, strict=True):
                for p, g, (m, v) in zip(layer.parameters, layer.gradients, pairs, strict=True):
                    m += 0.1 * (g - m)
                    v += 0.001 * (g * g - v)
                    scale = np.sqrt(1 - 0.999**turn) / (1 - 0.9**turn)
                    p -= step * (scale * m / (np.sqrt(v) + 1e-8) + 0.01 * p)


def _gradients(layers: list[Layer], x: Array, labels: Array) -> None:
    logits = forward(layers, x)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    d = powers / powers.sum(1, keepdims=True)
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    for layer in reversed(layers):
        d = layer.backward(d)


def forward(layers: list[Layer], x: Array) -> Array:
    """Return the logits."""
    for layer in layers:
        x = layer.forward(x)
    return x
