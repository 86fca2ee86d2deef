"""Maxima and means over windows, and over all of space."""

from worker.errors import UsageError
from worker.tensor.build import Value
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.layers import image_order, images, window_of
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.numbers import multiplier
from worker.tensor.program import Window
from worker.tensor.quantise.scale import Scale


def max_pool(low: Lowering, node: Node, form: Form) -> Tensor:
    """The maximum in each window."""
    x = low.get(node.inputs[0], form)
    return _image(low, node, low.builder.max_pool(images(low, x), _window(node, x)), x.scale)


def average_pool(low: Lowering, node: Node, form: Form) -> Tensor:
    """The mean in each window."""
    x, out = low.get(node.inputs[0], Form.WIDE), low.scale(node.outputs[0], form)
    place = _window(node, x)
    if any(node.attributes.get("pads", ())):
        raise UsageError(f"{node}: padding is not supported")
    by = multiplier(x.scale.scale / out.scale / (place.kernel_height * place.kernel_width))
    value = low.builder.average_pool(images(low, x), place, by, out.fin())
    return _image(low, node, value, out)


def global_max(low: Lowering, node: Node, form: Form) -> Tensor:
    """The maximum over all of space."""
    x = low.get(node.inputs[0], form)
    rows = _channel_rows(low, x)
    value = low.builder.pick(rows, low.builder.argmax(rows))
    return _plain(low, node, value, x.scale)


def global_average(low: Lowering, node: Node, form: Form) -> Tensor:
    """The mean over all of space."""
    x, out = low.get(node.inputs[0], Form.WIDE), low.scale(node.outputs[0], form)
    rows = _channel_rows(low, x)
    by = multiplier(x.scale.scale / out.scale / rows.cols)
    return _plain(low, node, low.builder.row_sum(rows, out.fin(), by), out)


def _channel_rows(low: Lowering, x: Tensor) -> Value:
    """Return each channel of each image as a row: what an element needs then lies together."""
    plain = tuple(range(len(x.shape)))
    return x.matrix(low.builder, plain, x.shape[0] * x.shape[1])


def _window(node: Node, x: Tensor) -> Window:
    return window_of(node, x.shape, tuple(node.attributes["kernel_shape"]))


def _image(low: Lowering, node: Node, value: Value, scale: Scale) -> Tensor:
    shape = low.shapes[node.outputs[0]]
    return Tensor(value, shape, image_order(len(shape)), scale)


def _plain(low: Lowering, node: Node, value: Value, scale: Scale) -> Tensor:
    shape = low.shapes[node.outputs[0]]
    return Tensor(value, shape, tuple(range(len(shape))), scale)
