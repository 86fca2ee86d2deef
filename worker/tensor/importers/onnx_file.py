"""Read an ONNX file into a Graph."""

from pathlib import Path
from typing import Any

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.importers.extras import need
from worker.tensor.importers.graph import Graph, Node

MAX_BYTES = 2**31  # the format's own limit for one file


def read(path: Path) -> Graph:
    """Return the model in `path`; UsageError if it is no ONNX file or keeps weights elsewhere."""
    onnx = need("onnx")
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path}: larger than an ONNX file can be")
    try:
        model = onnx.load(str(path), load_external_data=False)
        onnx.checker.check_model(model)
    except Exception as error:  # the parser and the checker raise classes of their own
        raise UsageError(f"{path}: not a valid ONNX model: {error}") from error
    graph = model.graph
    constants = {tensor.name: _array(path, tensor) for tensor in graph.initializer}
    return Graph(
        inputs={i.name: _shape(i) for i in graph.input if i.name not in constants},
        outputs=tuple(output.name for output in graph.output),
        constants=constants,
        nodes=tuple(_node(path, node) for node in graph.node),
    )


def _array(path: Path, tensor: Any) -> Array:
    if tensor.data_location == tensor.EXTERNAL:
        raise UsageError(f"{path}: tensor {tensor.name} lies in another file; save the model whole")
    array: Array = need("onnx.numpy_helper").to_array(tensor)
    return array


def _shape(value: Any) -> tuple[int | None, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in dimensions)


def _node(path: Path, node: Any) -> Node:
    if node.domain not in ("", "ai.onnx"):
        raise UsageError(f'{path}: {node.domain}.{node.op_type} "{node.name}" is not supported')
    helper, tensor_type = need("onnx.helper"), need("onnx").AttributeProto.TENSOR
    attributes = {
        a.name: _array(path, a.t) if a.type == tensor_type else helper.get_attribute_value(a)
        for a in node.attribute
    }
    return Node(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes)
