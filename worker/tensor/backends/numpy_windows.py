"""Convolutions and pools: windows that slide over NHWC images."""

from collections.abc import Iterator

import numpy as np

from worker.tensor.backends.blocks import blocks, new
from worker.tensor.backends.ending import Ending
from worker.tensor.backends.numpy_linear import Layer, Ready
from worker.tensor.program import Op
from worker.tensor.tensors import Array

_PATCHES = 1 << 20
"""Elements of the window copies that are held at a time."""


def conv2d(op: Op, x: Array, ready: Ready) -> Array:
    """Return CONV2D: windows are copied out a few rows of the output at a time."""
    g = op.window
    channels, taps = ready.weights.w.shape
    layer = Layer(op, ready)
    out = new(op)
    pixels = out.reshape(-1, g.out_height, g.out_width, channels)
    for image, results in zip(_padded(op, x, op.za), pixels, strict=True):
        windows = _windows(op, image)
        for rows in blocks(g.out_height, g.out_width * taps, _PATCHES):
            patches = windows[rows].reshape(-1, taps)
            layer.write(patches, results[rows].reshape(-1, channels))
    return out


def dwconv(op: Op, x: Array, ready: Ready) -> Array:
    """Return DWCONV: the taps are added up one after the other."""
    g, weights = op.window, ready.weights
    by_tap = weights.w.T.astype(np.int32)
    bound = weights.w.shape[1] * 128 * 128 + (1 << 30)
    end = Ending(op, weights.m, weights.s, bound, plus=weights.b)
    out = new(op)
    for image, results in zip(_padded(op, x, op.za), _by_image(op, out), strict=True):
        total = np.zeros((g.out_height, g.out_width, g.channels), np.int32)
        for tap, pixels in enumerate(_taps(op, image)):
            total += pixels * by_tap[tap]
        np.copyto(results, end(total).reshape(results.shape), casting="unsafe")
    return out


def maxpool(op: Op, x: Array) -> Array:
    """Return MAXPOOL."""
    out = new(op)
    images = _padded(op, x, np.iinfo(x.dtype).min)
    for image, results in zip(images, _by_image(op, out), strict=True):
        largest = None
        for pixels in _taps(op, image):
            largest = pixels if largest is None else np.maximum(largest, pixels)
        assert largest is not None  # noqa: S101 - a window has a tap
        results[:] = largest.reshape(results.shape)
    return out


def avgpool(op: Op, x: Array) -> Array:
    """Return AVGPOOL."""
    out = new(op)
    taps = op.window.kernel_height * op.window.kernel_width
    end = Ending(op, op.m, op.s, taps * -np.iinfo(x.dtype).min)
    for image, results in zip(_padded(op, x, 0), _by_image(op, out), strict=True):
        total = np.asarray(sum(pixels.astype(end.dtype) for pixels in _taps(op, image)))
        np.copyto(results, end(total).reshape(results.shape), casting="unsafe")
    return out


def _by_image(op: Op, out: Array) -> Array:
    return out.reshape(-1, op.window.out_height, out.shape[1])


def _padded(op: Op, x: Array, outside: int) -> Array:
    """Return the images with as much around them as the windows reach, and no more."""
    g = op.window
    images = x.reshape(-1, g.height, g.width, g.channels)
    height = (g.out_height - 1) * g.stride_height + g.kernel_height
    width = (g.out_width - 1) * g.stride_width + g.kernel_width
    padded = np.full((len(images), height, width, g.channels), outside, x.dtype)
    inside = padded[:, g.pad_top : g.pad_top + g.height, g.pad_left : g.pad_left + g.width]
    inside[:] = images[:, : inside.shape[1], : inside.shape[2]]
    return padded


def _windows(op: Op, image: Array) -> Array:
    """Return a view of the image: row, column, then the window's i, j, channel."""
    g = op.window
    kernel = g.kernel_height, g.kernel_width
    view: Array = np.lib.stride_tricks.sliding_window_view(image, kernel, axis=(0, 1))  # type: ignore[call-overload]
    return view[:: g.stride_height, :: g.stride_width].transpose(0, 1, 3, 4, 2)


def _taps(op: Op, image: Array) -> Iterator[Array]:
    """Yield, for each place in the window, the pixels that stand there, (row, column, channel)."""
    g = op.window
    rows, cols = g.out_height * g.stride_height, g.out_width * g.stride_width
    for i in range(g.kernel_height):
        for j in range(g.kernel_width):
            yield image[i : i + rows : g.stride_height, j : j + cols : g.stride_width]
