"""Products with weights, convolutions and pools in torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from worker.tensor.backends.blocks import blocks
from worker.tensor.backends.torch_ending import end_on_gpu
from worker.tensor.backends.torch_place import Place
from worker.tensor.backends.torch_products import float_products
from worker.tensor.program import Op
from worker.tensor.tensors import DType, Weights


@dataclass(frozen=True)
class Layer:
    """Weights here and on a device: as they are, and ready for products."""

    weights: Weights
    w: torch.Tensor
    ready: torch.Tensor
    tails: tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # b, m, s in int32

    @property
    def bound(self) -> int:
        """A bound on sums of products with their bias."""
        return self.weights.w.shape[1] * 128 * 128 + (1 << 30)


def load_weights(place: Place, weights: Weights) -> Layer:
    """Bring weights to a device."""
    w = torch.tensor(weights.w, device=place.device)
    tails = (weights.b, weights.m, weights.s)
    b, m, s = (torch.tensor(v.astype("i4"), device=place.device) for v in tails)
    return Layer(weights, w, place.products.ready(w), (b, m, s))


def matmul(place: Place, op: Op, x: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return MATMUL."""
    out = place.new(op)
    _write(place, op, x, layer, out)
    return out


def _write(place: Place, op: Op, x: torch.Tensor, layer: Layer, out: torch.Tensor) -> None:
    rows, cols = out.shape
    end = _ending(place, op, layer)
    for tile in blocks(rows, cols, place.tile):
        products = place.products.multiply(x[tile], layer.ready, cols)
        part = out[tile]
        for some in blocks(len(part), cols, place.block):
            part[some] = end(products[some])


def _ending(place: Place, op: Op, layer: Layer) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what makes finished numbers of sums of products."""
    if place.device.type == "cuda" and op.output.type.dtype is not DType.I64:
        return lambda sums: end_on_gpu(op, sums, *layer.tails)
    end = place.ending(op, layer.weights.m, layer.weights.s, layer.bound)
    bias = layer.tails[0].to(end.dtype)
    return lambda sums: end(sums.to(end.dtype, copy=True).add_(bias))


def bmm(place: Place, op: Op, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return BMM."""
    groups = op.geometry[0]
    end = place.ending(op, op.m, op.s, x.shape[1] * 128 * 128)
    out = place.new(op)
    lefts, rights = x.view(groups, -1, x.shape[1]), y.view(groups, -1, y.shape[1])
    results = out.view(groups, -1, out.shape[1])
    for tile in blocks(groups, results[0].numel(), place.tile):
        sums = float_products(lefts[tile], rights[tile])
        results[tile] = end(sums.to(end.dtype, copy=True))
    return out


def conv2d(place: Place, op: Op, x: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return CONV2D: windows are copied out some rows of the output at a time."""
    g = op.window
    channels, taps = layer.w.shape
    out = place.new(op)
    pixels = out.view(-1, g.out_width, channels)  # a row of an image, column, channel
    windows = _windows(op, _padded(op, x, op.za))
    for rows in blocks(len(pixels), g.out_width * taps, place.tile):
        index = torch.arange(rows.start, rows.stop, device=place.device)
        image, row = index // g.out_height, index % g.out_height
        patches = windows[image, row].reshape(-1, taps)
        _write(place, op, patches, layer, pixels[rows].view(-1, channels))
    return out


def dwconv(place: Place, op: Op, x: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return DWCONV: the taps are added up one after the other."""
    by_tap = layer.w.t().to(torch.int32)
    total = sum(pixels * by_tap[tap] for tap, pixels in enumerate(_taps(op, _padded(op, x, op.za))))
    end = place.ending(op, layer.weights.m, layer.weights.s, layer.bound)
    return _stored(place, op, end(torch.as_tensor(total).to(end.dtype) + layer.tails[0]))


def maxpool(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    """Return MAXPOOL."""
    taps = _taps(op, _padded(op, x, torch.iinfo(x.dtype).min))
    largest = next(taps).clone()
    for pixels in taps:
        torch.maximum(largest, pixels, out=largest)
    return _stored(place, op, largest)


def avgpool(place: Place, op: Op, x: torch.Tensor) -> torch.Tensor:
    """Return AVGPOOL."""
    g = op.window
    bound = g.kernel_height * g.kernel_width * -torch.iinfo(x.dtype).min
    end = place.ending(op, op.m, op.s, bound)
    taps = _taps(op, _padded(op, x, 0))
    total = next(taps).to(end.dtype, copy=True)
    for pixels in taps:
        total += pixels
    return _stored(place, op, end(total))


def _stored(place: Place, op: Op, pixels: torch.Tensor) -> torch.Tensor:
    out = place.new(op)
    out[:] = pixels.reshape(out.shape)
    return out


def _padded(op: Op, x: torch.Tensor, outside: int) -> torch.Tensor:
    """Return the images with as much around them as the windows reach, and no more."""
    g = op.window
    images = x.view(-1, g.height, g.width, g.channels)
    height = (g.out_height - 1) * g.stride_height + g.kernel_height
    width = (g.out_width - 1) * g.stride_width + g.kernel_width
    padded = x.new_full((len(images), height, width, g.channels), outside)
    inside = padded[:, g.pad_top : g.pad_top + g.height, g.pad_left : g.pad_left + g.width]
    inside[:] = images[:, : inside.shape[1], : inside.shape[2]]
    return padded


def _windows(op: Op, images: torch.Tensor) -> torch.Tensor:
    """Return a view of the images: image, row, column, then the window's i, j, channel."""
    g = op.window
    view = images.unfold(1, g.kernel_height, g.stride_height)
    view = view.unfold(2, g.kernel_width, g.stride_width)
    return view.permute(0, 1, 2, 4, 5, 3)


def _taps(op: Op, images: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield, for each place in the window, the pixels that stand there."""
    g = op.window
    rows, cols = g.out_height * g.stride_height, g.out_width * g.stride_width
    for i in range(g.kernel_height):
        for j in range(g.kernel_width):
            yield images[:, i : i + rows : g.stride_height, j : j + cols : g.stride_width]
