"""Operators that move elements, or only rename axes."""

from dataclasses import replace

import numpy as np

from worker.errors import UsageError
from worker.tensor.importers.evaluate import run_node
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.importers.recognise.clamps import clamp_of
from worker.tensor.numbers import IDENTITY


def reshape(low: Lowering, node: Node, form: Form) -> Tensor:
    """Any operator that keeps elements and their order: the shapes are known."""
    shape = low.shapes[node.outputs[0]]
    return low.get(node.inputs[0], form).reshaped(low.builder, shape)


def transpose(low: Lowering, node: Node, form: Form) -> Tensor:
    """Axes in another order."""
    x = low.get(node.inputs[0], form)
    permutation = node.attributes.get("perm") or reversed(range(len(x.shape)))
    return x.transposed(tuple(permutation))


def rescale(low: Lowering, node: Node, form: Form) -> Tensor:
    """A product with a positive number: the same integers mean something else."""
    x = low.get(node.inputs[0], form)
    factor = node.attributes["factor"]
    return replace(x, scale=replace(x.scale, scale=x.scale.scale * factor))


def part(low: Lowering, node: Node, form: Form) -> Tensor:
    """Slice, or Gather of constant indices: one run of indices along one axis."""
    x = low.get(node.inputs[0], form)
    axis, start, size = _run_taken(low, node)
    matrix = x.rows(low.builder, axis)
    value = low.builder.slice(matrix, 0, start, matrix.rows, size)
    others = tuple(a for a in range(len(x.shape)) if a != axis)
    shape = tuple(size if a == axis else n for a, n in enumerate(x.shape))
    piece = Tensor(value, shape, (*others, axis), x.scale)
    return piece.reshaped(low.builder, low.shapes[node.outputs[0]])


def _run_taken(low: Lowering, node: Node) -> tuple[int, int, int]:
    """Return axis, start and size of what a node takes, found by running it on indices."""
    shape = low.shapes[node.inputs[0]]
    for axis, extent in enumerate(shape):
        along = np.arange(extent).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        taken = run_node(
            node, {**low.graph.constants, node.inputs[0]: np.broadcast_to(along, shape)}
        )[0]
        kept = np.unique(taken)
        is_run = 0 < len(kept) < extent and bool((np.diff(kept) == 1).all())
        if is_run and taken.size * extent == len(kept) * int(np.prod(shape)):
            return axis, int(kept[0]), len(kept)
    raise UsageError(f"{node}: only one run of indices along one axis can be taken")


def concat(low: Lowering, node: Node, form: Form) -> Tensor:
    """Tensors one after the other along an axis, brought to one scale."""
    name = node.outputs[0]
    shape, scale = low.shapes[name], low.scale(name, form)
    axis = node.attributes["axis"] % len(shape)
    parts = [low.get(each, form).aligned(low.builder, scale) for each in node.inputs]
    value = parts[0].rows(low.builder, axis)
    for each in parts[1:]:
        value = low.builder.concat_cols(value, each.rows(low.builder, axis))
    others = tuple(a for a in range(len(shape)) if a != axis)
    return Tensor(value, shape, (*others, axis), scale)


def clamp(low: Lowering, node: Node, form: Form) -> Tensor:
    """Relu or Clip by itself."""
    x = low.get(node.inputs[0], form)
    fin = x.scale.fin(*clamp_of(low.graph, node))
    return replace(x, value=low.builder.requant(x.value, IDENTITY, fin, c=-x.scale.zero))
