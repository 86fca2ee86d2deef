"""The program's inputs, and rows of a table looked up by an integer input."""

import numpy as np

from worker.errors import UsageError
from worker.tensor.importers.graph import Node
from worker.tensor.importers.lower.layers import image_order
from worker.tensor.importers.lower.lowering import Form, Lowering
from worker.tensor.importers.lower.tensor import Tensor
from worker.tensor.importers.ports import Port
from worker.tensor.quantise.scale import Scale
from worker.tensor.tensors import DType

_IMAGE_RANK = 4


def declare(low: Lowering, name: str) -> Port:
    """Declare a graph's input as the program's next one; its reader gets the values as they lie."""
    shape = low.shapes[name]
    if any(node.op == "Gather" and node.inputs[1] == name for node in low.graph.nodes):
        port = _index_port(low, name)
    else:
        form = next(f for f in (Form.WIDE, Form.EVEN, Form.NARROW) if f in low.wanted[name])
        is_image = len(shape) == _IMAGE_RANK
        order = image_order(len(shape)) if is_image else tuple(range(len(shape)))
        rows = shape[0] * shape[2] if is_image else int(np.prod(shape[:-1]))
        port = Port(name, shape, order, rows, low.scale(name, form))
    value = low.builder.input(port.type.dtype, port.type.rows, port.type.cols)
    tensor = Tensor(value, port.shape, port.order, port.scale)
    low.inputs[name] = tensor
    return port


def _index_port(low: Lowering, name: str) -> Port:
    """Return a port of integers that mean themselves, a column of them."""
    shape = low.shapes[name]
    tables = [n.inputs[0] for n in low.graph.nodes if n.op == "Gather" and n.inputs[1] == name]
    largest = max(len(low.graph.constants[table]) for table in tables)
    dtype = DType.I16 if largest <= DType.I16.max else DType.I32
    return Port(name, shape, tuple(range(len(shape))), int(np.prod(shape)), Scale(dtype, 1.0))


def gather(low: Lowering, node: Node, form: Form) -> Tensor:
    """Rows of a constant table, quantised beforehand."""
    table, index = node.inputs
    if table not in low.graph.constants or node.attributes.get("axis", 0) != 0:
        raise UsageError(f"{node}: only rows of a constant can be looked up")
    if index not in low.inputs:
        raise UsageError(f"{node}: the index must be an input of the model")
    out, shape = low.scale(node.outputs[0], form), low.shapes[node.outputs[0]]
    rows = low.builder.constant(out.quantise(low.graph.constants[table]))
    value = low.builder.gather(low.inputs[index].value, rows)
    return Tensor(value, shape, tuple(range(len(shape))), out)
