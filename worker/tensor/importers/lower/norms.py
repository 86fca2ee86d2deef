"""Layer norm, and the mean over an axis."""

from worker.errors import UsageError
from worker.tensor.build import Fin
from worker.tensor.importers.floats.shapes import axes_of
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.numbers import multiplier
from worker.tensor.quantise.norms import affine_rows, epsilon_term
from worker.tensor.tensors import DType


def norm(low: Lowering, node: Node, form: Form) -> Tensor:
    """Layer norm over one axis; each wanted form has a SCALE of its own."""
    x = low.get(node.inputs[0], Form.WIDE)
    axis, name = node.attributes["axis"], node.outputs[0]
    if name not in low.shared:
        rows = x.rows(low.builder, axis)
        c = epsilon_term(node.attributes["epsilon"], rows.cols, x.scale)
        low.shared[name] = low.builder.norm(rows, Fin(DType.I16), c)
    normal = low.shared[name]
    out = low.scale(name, form)
    gains, shifts = (low.graph.constants[constant] for constant in node.inputs[1:])
    gamma, beta, by = affine_rows(gains, shifts, out)
    line = low.builder.constant(gamma), low.builder.constant(beta)
    value = low.builder.scale(normal, line[0], line[1], by, out.fin())
    others = tuple(a for a in range(len(x.shape)) if a != axis)
    return Tensor(value, x.shape, (*others, axis), out)


def mean(low: Lowering, node: Node, form: Form) -> Tensor:
    """The mean over one axis."""
    constants = [low.graph.constants[name] for name in node.inputs[1:]]
    axes = axes_of(node, constants[0] if constants else None) or ()
    if len(axes) != 1:
        raise UsageError(f"{node}: a mean over {len(axes)} axes is not supported")
    x, out = low.get(node.inputs[0], Form.WIDE), low.scale(node.outputs[0], form)
    rows = x.rows(low.builder, axes[0])
    by = multiplier(x.scale.scale / out.scale / rows.cols)
    value = low.builder.row_sum(rows, out.fin(), by)
    shape = tuple(n for a, n in enumerate(x.shape) if a != axes[0] % len(x.shape))
    kept = Tensor(value, shape, tuple(range(len(shape))), out)
    return kept.reshaped(low.builder, low.shapes[node.outputs[0]])
