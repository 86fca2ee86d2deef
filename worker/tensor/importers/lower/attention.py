"""Products of two activations, and softmax between them."""

import numpy as np

from worker.errors import UsageError
from worker.tensor.build import Fin, Value
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.numbers import IDENTITY, multiplier
from worker.tensor.quantise.softmax import STEP, exp_table, share, to_steps
from worker.tensor.tensors import DType


def product(low: Lowering, node: Node, form: Form) -> Tensor:
    """x · y over the last two axes; softmax on the left is divided out afterwards."""
    y = low.get(node.inputs[1], Form.EVEN)
    out = low.scale(node.outputs[0], form)
    shape = low.shapes[node.outputs[0]]
    groups = int(np.prod(shape[:-2]))
    if y.shape[:-2] != shape[:-2]:
        raise UsageError(f"{node}: a matrix shared by the batch is not supported")
    columns = y.transposed((*range(len(shape) - 2), len(shape) - 1, len(shape) - 2))
    right = columns.rows(low.builder)
    left = low.graph.producers().get(node.inputs[0])
    if left is not None and left.op == "Softmax":
        value = _weighted(low, left, right, groups, y.scale.scale / out.scale, out.fin())
    else:
        x = low.get(node.inputs[0], Form.EVEN)
        by = multiplier(x.scale.scale * y.scale.scale / out.scale)
        value = low.builder.bmm(x.rows(low.builder), right, groups, by, out.fin())
    return Tensor(value, shape, tuple(range(len(shape))), out)


def softmax(low: Lowering, node: Node, form: Form) -> Tensor:
    """Softmax over the last axis where no product follows it."""
    powers, sums = _powers(low, node)
    out = low.scale(node.outputs[0], form)
    value = _divided(low, powers, sums, 1 / out.scale, out.fin())
    shape = low.shapes[node.outputs[0]]
    return Tensor(value, shape, tuple(range(len(shape))), out)


def _weighted(low: Lowering, node: Node, y: Value, groups: int, ratio: float, fin: Fin) -> Value:
    """Return softmax · y: a product with the powers, divided by their sums in the end."""
    powers, sums = _powers(low, node)
    product = low.builder.bmm(powers, y, groups, IDENTITY, Fin(DType.I32))
    return _divided(low, product, sums, ratio, fin)


def _divided(low: Lowering, x: Value, sums: Value, ratio: float, fin: Fin) -> Value:
    """Return x · ratio / sums."""
    by = share(ratio)
    one = low.builder.constant(np.array([[1]], np.int8))
    factors = low.builder.div(one, sums, by.c, by.fin)
    return low.builder.mul(x, factors, by.by, fin)


def _powers(low: Lowering, node: Node) -> tuple[Value, Value]:
    """Return e^(x - max) in 0 … 127 and the sum of each row."""
    x = low.get(node.inputs[0], Form.WIDE)
    if node.attributes.get("axis", -1) % len(x.shape) != len(x.shape) - 1:
        raise UsageError(f"{node}: only over the last axis")
    rows = x.rows(low.builder)
    greatest = low.builder.pick(rows, low.builder.argmax(rows))
    factor, s = to_steps(x.scale.scale, STEP)
    steps = low.builder.add(rows, greatest, Fin(DType.I8, zp=127), ma=factor, mb=-factor, s=s)
    powers = low.builder.lut(steps, low.builder.constant(exp_table(STEP)))
    return powers, low.builder.row_sum(powers, Fin(DType.I32))
