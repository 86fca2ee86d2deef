"""Small ONNX files for tests."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

_TYPES = {"f": TensorProto.FLOAT, "i": TensorProto.INT64}


class Sketch:
    """Collects nodes; every method call is an operator: `y = sketch.Relu(x)`."""

    def __init__(self, **inputs: np.ndarray) -> None:
        self.inputs, self.nodes, self.constants = inputs, [], []

    def constant(self, value: Any) -> str:
        """Add a constant; floats are single precision."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def __getattr__(self, op: str) -> Any:
        def add(*operands: Any, outputs: int = 1, **attributes: Any) -> Any:
            names = [o if isinstance(o, str) else self.constant(o) for o in operands]
            made = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
            name = f"node{len(self.nodes)}"
            self.nodes.append(helper.make_node(op, names, made, name=name, **attributes))
            return made[0] if outputs == 1 else made

        return add

    def save(self, path: Path, *outputs: str, opset: int = 20, free_batch: bool = True) -> Path:
        """Write the model and return its path."""
        inputs = []
        for name, value in self.inputs.items():
            shape = ["batch", *value.shape[1:]] if free_batch else list(value.shape)
            kind = _TYPES[value.dtype.kind]
            inputs.append(helper.make_tensor_value_info(name, kind, shape))
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "test", inputs, ends, self.constants)
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        model = shape_inference.infer_shapes(model)  # fills in the outputs' shapes
        checker.check_model(model)
        path.write_bytes(model.SerializeToString())
        return path


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Return seeded random numbers."""
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)
