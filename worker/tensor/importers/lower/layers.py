"""Linear layers and convolutions."""

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Value, window
from worker.tensor.importers.floats.linear import padding
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.program import Window
from worker.tensor.quantise.linear import pack
from worker.tensor.quantise.scale import Scale


def linear(low: Lowering, node: Node, form: Form) -> Tensor:
    """x · Wᵀ + b over the last axis."""
    x = low.get(node.inputs[0], Form.NARROW)
    low.builder.segment()
    rows = x.rows(low.builder)
    out = low.scale(node.outputs[0], form)
    weights = _weights(low, node, low.graph.constants[node.inputs[1]], x.scale, out)
    value = low.builder.matmul(rows, weights, out.fin(*_clamp(node)))
    shape = low.shapes[node.outputs[0]]
    return Tensor(value, shape, tuple(range(len(shape))), out)


def conv(low: Lowering, node: Node, form: Form) -> Tensor:
    """A convolution over one or two axes, all channels together or each by itself."""
    x = low.get(node.inputs[0], Form.NARROW)
    low.builder.segment()
    kernel, groups = low.graph.constants[node.inputs[1]], node.attributes.get("group", 1)
    channels = x.shape[1]
    if groups not in (1, channels) or (groups > 1 and len(kernel) != channels):
        raise UsageError(f"{node}: {groups} groups of {channels} channels are not supported")
    out = low.scale(node.outputs[0], form)
    last = np.moveaxis(kernel, 1, -1).reshape(len(kernel), -1)  # kernel positions, then channels
    weights = _weights(low, node, last, x.scale, out)
    image = images(low, x)
    place = window_of(node, x.shape, kernel.shape[2:])
    slide = low.builder.conv if groups == 1 else low.builder.depthwise
    value = slide(image, weights, place, out.fin(*_clamp(node)), za=x.scale.zero)
    shape = low.shapes[node.outputs[0]]
    return Tensor(value, shape, image_order(len(shape)), out)


def images(low: Lowering, x: Tensor) -> Value:
    """Return x, whose axes are batch, channel, then space, as NHWC images."""
    height = x.shape[2]
    return x.matrix(low.builder, image_order(len(x.shape)), x.shape[0] * height)


def image_order(rank: int) -> tuple[int, ...]:
    """Return the order of axes that NHWC is: batch, space, channel."""
    return (0, *range(2, rank), 1)


def window_of(node: Node, shape: tuple[int, ...], kernel: tuple[int, ...]) -> Window:
    """Return the geometry of a node that slides `kernel` over one or two axes of `shape`."""
    if not 1 <= len(kernel) <= 2:
        raise UsageError(f"{node}: windows over {len(kernel)} axes are not supported")
    spatial, strides = shape[2:], tuple(node.attributes.get("strides", [1] * len(kernel)))
    pads = padding(node, spatial, kernel)
    flat = len(kernel) == 1  # a sequence is an image one column wide
    height, width = spatial if not flat else (spatial[0], 1)
    (top, bottom), (left, right) = pads if not flat else (pads[0], (0, 0))
    size = kernel if not flat else (kernel[0], 1)
    step = strides if not flat else (strides[0], 1)
    return window(
        (height, width, shape[1]),
        (size[0], size[1]),
        (step[0], step[1]),
        (top, left, bottom, right),
    )


def _weights(low: Lowering, node: Node, w: Array, x: Scale, out: Scale) -> Value:
    """Return the node's weights as integers, their rounding made up for in the bias."""
    bias = low.graph.constants[node.inputs[2]]
    moments = low.moments[node.outputs[0]]
    packed = pack(w, bias, moments, x, np.array(out.scale))
    return low.builder.weights(*packed)


def _clamp(node: Node) -> tuple[float | None, float | None]:
    low, high = node.attributes.get("clamp", (None, None))
    return low, high
