"""Sums, products and tables, element by element."""

import math

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.build import Value
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.numbers import multiplier
from worker.tensor.quantise.clip import best_affine
from worker.tensor.quantise.scale import Scale, symmetric
from worker.tensor.quantise.tables import table as make_table
from worker.tensor.tensors import DType

_FACTOR_BITS = 30  # of the larger of ADD's two factors


_SMALL = 0.25  # of a function's range: what a table may have left to say beside the identity


def table(low: Lowering, node: Node, form: Form) -> Tensor:
    """Any function of one number, by a table.

    Where 16 bits are wanted of nearly the identity, as of GELU far from 0, the number itself is
    kept and the table holds only what is to be added to it.
    """
    if form is Form.WIDE and is_near_identity(low, node):
        return _near_identity(low, node)
    x = low.get(node.inputs[0], Form.NARROW)
    out = low.scale(node.outputs[0], form)
    entries = low.builder.constant(make_table(node.attributes["function"], x.scale, out))
    return Tensor(low.builder.lut(x.value, entries), x.shape, x.order, out)


def table_needs(low: Lowering, node: Node) -> set[Form]:
    """Return the forms in which a table reads its input."""
    keeps_input = Form.WIDE in low.wanted_of(node) and is_near_identity(low, node)
    return {Form.NARROW, Form.WIDE} if keeps_input else {Form.NARROW}


def is_near_identity(low: Lowering, node: Node) -> bool:
    """Whether a function differs little from its argument, over what calibration saw."""
    sample = low.ranges[node.inputs[0]].sample()
    result = node.attributes["function"](sample)
    return bool(np.ptp(result - sample) < _SMALL * np.ptp(result))


def _near_identity(low: Lowering, node: Node) -> Tensor:
    name, function = node.inputs[0], node.attributes["function"]
    wide, out = low.get(name, Form.WIDE), low.scale(node.outputs[0], Form.WIDE)
    sample = low.ranges[name].sample()

    def rest(x: Array) -> Array:
        return np.asarray(function(x) - x)

    narrow = wide.aligned(low.builder, best_affine(sample, rest))
    entries = low.builder.constant(make_table(rest, narrow.scale, out))
    remainder = low.builder.lut(narrow.value, entries)
    s = _FACTOR_BITS - max(math.frexp(wide.scale.scale / out.scale)[1], 1)
    ma = round(wide.scale.scale / out.scale * 2**s)
    value = low.builder.add(wide.value, remainder, out.fin(), ma=ma, mb=1 << s, s=s)
    return Tensor(value, wide.shape, wide.order, out)


def add(low: Lowering, node: Node, form: Form) -> Tensor:
    """x + y or x - y, either of which may be a constant."""
    out = low.scale(node.outputs[0], form)
    x, y = (_operand(low, node, name) for name in node.inputs)
    sign = -1 if node.op == "Sub" else 1
    ratios = x.scale.scale / out.scale, sign * y.scale.scale / out.scale
    s = _FACTOR_BITS - max(math.frexp(abs(r))[1] for r in ratios)
    ma, mb = (round(r * 2**s) for r in ratios)
    c = -(x.scale.zero * ma + y.scale.zero * mb)
    left, right = _aligned(low, x, y)
    value = low.builder.add(left, right, out.fin(), ma=ma, mb=mb, c=c, s=s)
    return Tensor(value, low.shapes[node.outputs[0]], x.order, out)


def multiply(low: Lowering, node: Node, form: Form) -> Tensor:
    """x · y, either of which may be a constant."""
    out = low.scale(node.outputs[0], form)
    x, y = (_operand(low, node, name) for name in node.inputs)
    left, right = _aligned(low, x, y)
    by = multiplier(x.scale.scale * y.scale.scale / out.scale)
    zeros = x.scale.zero, y.scale.zero
    value = low.builder.mul(left, right, by, out.fin(), za=zeros[0], zb=zeros[1])
    return Tensor(value, low.shapes[node.outputs[0]], x.order, out)


def _operand(low: Lowering, node: Node, name: str) -> Tensor:
    """Return an operand as i16 of the output's shape, a constant spelt out but for the batch."""
    if name not in low.graph.constants:
        tensor = low.get(name, Form.WIDE)
        if tensor.shape != low.shapes[node.outputs[0]]:
            raise UsageError(f"{node}: a tensor of shape {tensor.shape} cannot be spread")
        return tensor
    array = low.graph.constants[name]
    shape = low.shapes[node.outputs[0]]
    is_same_in_batch = array.ndim < len(shape) or array.shape[0] == 1
    spread = np.broadcast_to(array, (1, *shape[1:]) if is_same_in_batch else shape)
    scale = symmetric(DType.I16, float(np.abs(array).max()))
    return constant(low, spread, scale)


def constant(low: Lowering, array: Array, scale: Scale) -> Tensor:
    """Return a constant as a tensor, its last axis as columns."""
    matrix = scale.quantise(array).reshape(-1, array.shape[-1])
    value = low.builder.constant(np.ascontiguousarray(matrix))
    return Tensor(value, array.shape, tuple(range(array.ndim)), scale)


def _aligned(low: Lowering, x: Tensor, y: Tensor) -> tuple[Value, Value]:
    """Return both as matrices of one layout: that of the one that is no constant."""
    guide, other = (x, y) if x.value.type.rows >= y.value.type.rows else (y, x)
    batch = guide.shape[0] // other.shape[0]
    matrix = other.matrix(low.builder, guide.order, guide.value.rows // batch)
    return (guide.value, matrix) if guide is x else (matrix, guide.value)
