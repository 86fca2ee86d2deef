"""Float reference of ONNX's matrix products, convolutions and poolings."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from worker.tensor.arrays import Array
from worker.tensor.importers.graph import Node


def padding(node: Node, spatial: tuple[int, ...], kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return (before, after) for each spatial axis, automatic padding worked out."""
    auto = node.attributes.get("auto_pad", b"NOTSET")
    half = len(kernel)
    if auto in (b"NOTSET", b"VALID"):
        pads = node.attributes.get("pads", [0] * 2 * half) if auto == b"NOTSET" else [0] * 2 * half
        return list(zip(pads[:half], pads[half:], strict=True))
    strides = node.attributes.get("strides", [1] * half)
    result = []
    for size, k, stride in zip(spatial, kernel, strides, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + k - size)
        small = total // 2
        result.append((small, total - small) if auto == b"SAME_UPPER" else (total - small, small))
    return result


def _windows(node: Node, x: Array, kernel: tuple[int, ...], fill: float) -> Array:
    """Return x's windows: batch, channels, positions, then the kernel's axes."""
    pads = padding(node, x.shape[2:], kernel)
    x = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=fill)
    axes = tuple(range(2, x.ndim))
    view: Array = sliding_window_view(x, kernel, axis=axes)  # type: ignore[call-overload]
    strides = node.attributes.get("strides", [1] * len(kernel))
    kept: Array = view[(slice(None), slice(None), *(slice(None, None, s) for s in strides))]
    return kept


def _conv(node: Node, x: Array, w: Array, b: Array | None = None) -> Array:
    groups, rank = node.attributes.get("group", 1), w.ndim - 2
    view = _windows(node, x, w.shape[2:], 0.0)
    n, channels, positions = view.shape[0], view.shape[1], view.shape[2 : 2 + rank]
    parts = []
    for group in range(groups):
        size, out = channels // groups, w.shape[0] // groups
        part = np.moveaxis(view[:, group * size : (group + 1) * size], 1, 1 + rank)
        columns = part.reshape(n, int(np.prod(positions)), -1)
        kernel = w[group * out : (group + 1) * out].reshape(out, -1)
        parts.append(columns @ kernel.T)
    y = np.concatenate(parts, -1)
    if b is not None:
        y = y + b
    return np.moveaxis(y, -1, 1).reshape(n, w.shape[0], *positions).astype(x.dtype)


def _gemm(node: Node, a: Array, b: Array, c: Array | None = None) -> Array:
    a = a.T if node.attributes.get("transA", 0) else a
    b = b.T if node.attributes.get("transB", 0) else b
    y: Array = node.attributes.get("alpha", 1.0) * (a @ b)
    return y if c is None else y + node.attributes.get("beta", 1.0) * c


def _max_pool(node: Node, x: Array) -> Array:
    kernel = tuple(node.attributes["kernel_shape"])
    view = _windows(node, x, kernel, -np.inf)
    y: Array = view.max(axis=tuple(range(-len(kernel), 0)))
    return y


def _average_pool(node: Node, x: Array) -> Array:
    kernel = tuple(node.attributes["kernel_shape"])
    axes = tuple(range(-len(kernel), 0))
    total = _windows(node, x, kernel, 0.0).sum(axis=axes)
    if node.attributes.get("count_include_pad", 0):
        return np.asarray(total / np.prod(kernel), x.dtype)
    ones = np.ones((1, 1, *x.shape[2:]), x.dtype)
    return np.asarray(total / _windows(node, ones, kernel, 0.0).sum(axis=axes), x.dtype)


def _spatial(x: Array) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


LINEAR: dict[str, Callable[..., Array]] = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda n, x: x.mean(axis=_spatial(x), keepdims=True),
    "GlobalMaxPool": lambda n, x: x.max(axis=_spatial(x), keepdims=True),
    "MatMul": lambda n, a, b: a @ b,
    "MaxPool": _max_pool,
}


def patches(node: Node, x: Array, kernel: tuple[int, ...]) -> Array:
    """Return what each output position of a convolution sees: kernel positions, then channels.

    Of a convolution of each channel by itself, every channel's patch is a row.
    """
    rank = len(kernel) - 2
    view = np.moveaxis(_windows(node, x, kernel[2:], 0.0), 1, -1)
    if kernel[1] < x.shape[1]:
        view = np.moveaxis(view, -1, 1 + rank)
        return view.reshape(-1, int(np.prod(kernel[2:])))
    return view.reshape(-1, int(np.prod(kernel[1:])))
