"""The float reference against onnxruntime, operator by operator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.worker.tensor.importers.models import Sketch, normal
from worker.errors import UsageError
from worker.tensor.importers.evaluate import check_supported, evaluate
from worker.tensor.importers.fold import fold
from worker.tensor.importers.onnx_file import read
from worker.tensor.importers.recognise import recognise

onnxruntime = pytest.importorskip("onnxruntime")

Build = Callable[[Sketch, str], str]

MATRIX: dict[str, Build] = {
    "abs_neg": lambda s, x: s.Neg(s.Abs(x)),
    "clip": lambda s, x: s.Clip(x, -0.5, 0.7),
    "concat": lambda s, x: s.Concat(x, s.Mul(x, 2.0), axis=1),
    "elu": lambda s, x: s.Elu(x, alpha=0.7),
    "erf": lambda s, x: s.Erf(x),
    "expand": lambda s, x: s.Expand(x, [2, 1, 1]),
    "flatten": lambda s, x: s.Flatten(s.Unsqueeze(x, [2]), axis=1),
    "gelu": lambda s, x: s.Gelu(x),
    "gelu_tanh": lambda s, x: s.Gelu(x, approximate="tanh"),
    "gemm": lambda s, x: s.Gemm(x, normal(5, 6), normal(5), transB=1, alpha=0.5, beta=2.0),
    "hard": lambda s, x: s.Add(s.HardSigmoid(x), s.HardSwish(x)),
    "layer_norm": lambda s, x: s.LayerNormalization(x, normal(6), normal(6, seed=1)),
    "leaky": lambda s, x: s.LeakyRelu(x, alpha=0.2),
    "log_exp": lambda s, x: s.Log(s.Exp(x)),
    "matmul": lambda s, x: s.MatMul(x, normal(6, 3)),
    "minmax": lambda s, x: s.Min(s.Max(x, 0.1), 0.6),
    "pad": lambda s, x: s.Pad(x, [0, 1, 0, 2], 0.5),
    "pow": lambda s, x: s.Pow(x, 2.0),
    "reduce": lambda s, x: s.Add(s.ReduceMean(x, [1]), s.ReduceSum(x, [1], keepdims=1)),
    "reduce_max": lambda s, x: s.ReduceMax(x, [1], keepdims=0),
    "reshape": lambda s, x: s.Reshape(x, [0, 2, -1]),
    "sigmoid": lambda s, x: s.Sigmoid(x),
    "slice": lambda s, x: s.Slice(x, [5], [-7], [1], [-2]),
    "softmax": lambda s, x: s.Softmax(x, axis=-1),
    "softplus": lambda s, x: s.Softplus(x),
    "split": lambda s, x: s.Sub(*s.Split(x, [3, 3], axis=1, outputs=2)),
    "sqrt": lambda s, x: s.Reciprocal(s.Sqrt(s.Add(s.Abs(x), 1.0))),
    "tanh": lambda s, x: s.Tanh(x),
    "transpose": lambda s, x: s.Squeeze(s.Transpose(s.Unsqueeze(x, [0]), perm=[0, 2, 1]), [0]),
    "where": lambda s, x: s.Where(s.Greater(x, 0.0), x, s.Div(x, 4.0)),
}
IMAGES: dict[str, Build] = {
    "average": lambda s, x: s.AveragePool(x, kernel_shape=[3, 2], pads=[1, 0, 1, 0]),
    "average_padded": lambda s, x: s.AveragePool(
        x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1
    ),
    "batch_norm": lambda s, x: s.BatchNormalization(
        x, *(np.abs(normal(4, seed=i)) + 0.1 for i in range(4))
    ),
    "conv": lambda s, x: s.Conv(
        x, normal(5, 4, 3, 3), normal(5), strides=[2, 1], pads=[1, 0, 1, 2]
    ),
    "conv_groups": lambda s, x: s.Conv(x, normal(4, 2, 3, 3), group=2, auto_pad="SAME_UPPER"),
    "conv_lower": lambda s, x: s.Conv(x, normal(3, 4, 2, 2), auto_pad="SAME_LOWER"),
    "global": lambda s, x: s.Sub(s.GlobalMaxPool(x), s.GlobalAveragePool(x)),
    "max": lambda s, x: s.MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
}


def _compare(path: Path, feeds: dict[str, np.ndarray], change: bool) -> None:
    graph = read(path)
    check_supported(graph)
    if change:
        graph = recognise(fold(graph, feeds))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for mine, theirs in zip(evaluate(graph, feeds).values(), session.run(None, feeds), strict=True):
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("recognised", [False, True])
@pytest.mark.parametrize("name", MATRIX)
def test_evaluate__operator_on_a_matrix__equals_onnxruntime(tmp_path, name, recognised):
    sketch = Sketch(x=normal(3, 6))
    path = sketch.save(tmp_path / "m.onnx", MATRIX[name](sketch, "x"), free_batch=False)
    _compare(path, {"x": normal(3, 6, seed=3)}, recognised)


@pytest.mark.parametrize("recognised", [False, True])
@pytest.mark.parametrize("name", IMAGES)
def test_evaluate__operator_on_images__equals_onnxruntime(tmp_path, name, recognised):
    sketch = Sketch(x=normal(2, 4, 7, 6))
    path = sketch.save(tmp_path / "m.onnx", IMAGES[name](sketch, "x"))
    _compare(path, {"x": normal(2, 4, 7, 6, seed=3)}, recognised)


def test_check_supported__strange_operators__all_are_named(tmp_path):
    sketch = Sketch(x=normal(2, 4, 7, 6))
    y = sketch.Conv(sketch.Round("x"), normal(4, 4, 2, 2), dilations=[2, 2])
    path = sketch.save(tmp_path / "m.onnx", sketch.Ceil(y))
    with pytest.raises(UsageError, match=r'Round "node0".*Conv "node1".*Ceil "node2"'):
        check_supported(read(path))


def test_read__no_onnx_file__usage_error(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"not a model")
    with pytest.raises(UsageError, match="not a valid ONNX model"):
        read(tmp_path / "m.onnx")


@pytest.mark.parametrize("feeds", [{"x": normal(3, 5)}, {"y": normal(3, 6)}, {"x": normal(6)}])
def test_fold__wrong_inputs__usage_error(tmp_path, feeds):
    sketch = Sketch(x=normal(3, 6))
    path = sketch.save(tmp_path / "m.onnx", sketch.Relu("x"))
    with pytest.raises(UsageError, match="input"):
        fold(read(path), feeds)
