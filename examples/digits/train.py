"""Trains the two digit networks on scikit-learn's digits and writes mlp.onnx and cnn.onnx.

The trained files are committed: training again gives networks as good, but on another kind of
processor not the same bits. What follows from the files (see pack.py) is the same everywhere.
"""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from examples.digits.data import load
from examples.digits.network import Conv, Dense, Layer, MaxPool, Relu, forward, train

HERE = Path(__file__).resolve().parent
SEED = 7


def mlp(rng: np.random.Generator) -> list[Layer]:
    """64 pixels, 48 hidden units, 10 digits."""
    return [Dense(64, 48, rng), Relu(), Dense(48, 10, rng)]


def cnn(rng: np.random.Generator) -> list[Layer]:
    """Two convolutions, each followed by a pool, and one dense layer."""
    convolutions = [Conv(1, 12, rng), Relu(), MaxPool(), Conv(12, 24, rng), Relu(), MaxPool()]
    return [*convolutions, Dense(96, 10, rng)]


def main() -> None:
    """Train and write both."""
    split = load()
    for name, build, shape in (("mlp", mlp, (64,)), ("cnn", cnn, (1, 8, 8))):
        rng = np.random.default_rng(SEED)
        layers = build(rng)
        train(layers, split.train.reshape(-1, *shape) / 16, split.train_labels, rng)
        logits = forward(layers, split.test.reshape(-1, *shape) / 16)
        accuracy = (logits.argmax(1) == split.test_labels).mean()
        (HERE / f"{name}.onnx").write_bytes(to_onnx(layers, name, shape).SerializeToString())
        print(f"{name}: {100 * accuracy:.1f} % of {len(logits)} images it has not seen")


def to_onnx(layers: list[Layer], name: str, shape: tuple[int, ...]) -> ModelProto:
    """Return the network as an ONNX model that takes pixels from 0 to 16."""
    nodes, constants = [], [numpy_helper.from_array(np.float32(16), "white")]
    nodes.append(helper.make_node("Div", ["pixels", "white"], ["x0"]))
    for i, layer in enumerate(layers):
        names = [f"w{i}", f"b{i}"][: len(layer.parameters)]
        values = [p.astype(np.float32) for p in layer.parameters]
        constants += [numpy_helper.from_array(v, n) for v, n in zip(values, names, strict=True)]
        nodes += _nodes(layer, i, names, "logits" if i == len(layers) - 1 else f"x{i + 1}")
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model


def _nodes(layer: Layer, i: int, names: list[str], out: str) -> list[object]:
    """Return the ONNX nodes of one layer."""
    x = f"x{i}"
    if isinstance(layer, Dense):
        flat = helper.make_node("Flatten", [x], [f"flat{i}"])
        return [flat, helper.make_node("Gemm", [f"flat{i}", *names], [out])]
    if isinstance(layer, Conv):
        return [helper.make_node("Conv", [x, *names], [out], pads=[1, 1, 1, 1])]
    if isinstance(layer, MaxPool):
        return [helper.make_node("MaxPool", [x], [out], kernel_shape=[2, 2], strides=[2, 2])]
    return [helper.make_node("Relu", [x], [out])]


if __name__ == "__main__":
    main()
