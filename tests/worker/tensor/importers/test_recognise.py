"""Spellings of the same function end as the same node."""

import numpy as np
import pytest

from tests.worker.tensor.importers.models import Sketch, normal
from worker.tensor.importers.evaluate import evaluate
from worker.tensor.importers.fold import fold
from worker.tensor.importers.onnx_file import read
from worker.tensor.importers.recognise import recognise

pytest.importorskip("onnx")


def _erf_gelu(s, x):
    return s.Mul(s.Mul(x, s.Add(s.Erf(s.Div(x, 2.0**0.5)), 1.0)), 0.5)


def _tanh_gelu(s, x):
    inner = s.Mul(s.Add(x, s.Mul(s.Pow(x, 3.0), 0.044715)), 0.7978846)
    return s.Mul(s.Mul(0.5, x), s.Add(1.0, s.Tanh(inner)))


def _norm_with_pow(s, x):
    centred = s.Sub(x, s.ReduceMean(x, [-1]))
    root = s.Pow(s.Add(s.ReduceMean(s.Mul(centred, centred), [-1]), 1e-6), 0.5)
    return s.Add(s.Mul(s.Div(centred, root), normal(6)), normal(6, seed=1))


def _norm_over_positions(s, x):
    mean = s.Mul(s.ReduceSum(x, [1]), 1 / 5)
    square = s.Mul(s.ReduceSum(s.Mul(x, x), [1]), 1 / 5)
    variance = s.Max(s.Sub(square, s.Mul(mean, mean)), 0.0)
    gain = s.Mul(s.Reciprocal(s.Sqrt(s.Add(variance, 1e-6))), normal(5, 1))
    return s.Add(s.Mul(s.Sub(x, mean), gain), normal(5, 1, seed=1))


def _softmax_by_hand(s, x):
    powers = s.Exp(s.Sub(x, s.ReduceMax(x, [-1])))
    return s.Div(powers, s.ReduceSum(powers, [-1]))


def _layer_with_scales(s, x):
    y = s.Mul(s.Add(s.MatMul(x, normal(6, 4)), normal(4)), normal(4, seed=5))
    return s.Sub(y, normal(4, seed=6))


def _clamped_layer(s, x):
    return s.Clip(_layer_with_scales(s, x), 0.0, 6.0)


SPELLINGS = {
    "erf": (_erf_gelu, ["Table"]),
    "tanh": (_tanh_gelu, ["Table"]),
    "pow": (_norm_with_pow, ["AxisNorm"]),
    "positions": (_norm_over_positions, ["AxisNorm"]),
    "softmax": (_softmax_by_hand, ["Softmax"]),
    "layer": (_layer_with_scales, ["Linear"]),
    "clamped": (_clamped_layer, ["Linear"]),
    "rescale": (lambda s, x: s.Div(s.Mul(x, 3.0), 4.0), ["Rescale"]),
    "negative": (lambda s, x: s.Mul(x, -2.0), ["Table"]),
    "two": (
        lambda s, x: s.Mul(x, s.Sigmoid(s.MatMul(x, normal(6, 6)))),
        ["Linear", "Table", "Mul"],
    ),
    "split": (lambda s, x: s.Concat(*s.Split(x, [2, 4], axis=2, outputs=2), axis=2), None),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_recognise__spelling__is_one_node_and_the_same_function(tmp_path, name):
    spell, ops = SPELLINGS[name]
    sketch = Sketch(x=normal(2, 5, 6))
    graph = read(sketch.save(tmp_path / "m.onnx", spell(sketch, "x")))
    feeds = {"x": normal(2, 5, 6, seed=3)}
    result = recognise(fold(graph, feeds))
    assert [node.op for node in result.nodes] == (ops or ["Slice", "Slice", "Concat"])
    pair = [next(iter(evaluate(g, feeds).values())) for g in (graph, result)]
    np.testing.assert_allclose(pair[0], pair[1], rtol=1e-4, atol=1e-5)


def _one_hot_by_hand(s, ids):
    hot = s.Cast(s.Equal(s.Unsqueeze(ids, [2]), np.arange(9).reshape(1, 1, 9)), to=1)
    return s.Gelu(s.Add(s.MatMul(hot, normal(9, 4)), normal(4)))


@pytest.mark.parametrize(
    "spell",
    [
        _one_hot_by_hand,
        lambda s, ids: s.MatMul(s.OneHot(ids, 9, np.array([0.0, 1.0])), normal(9, 4)),
        lambda s, ids: s.Tanh(s.Gather(normal(9, 4), ids)),
    ],
)
def test_recognise__function_of_one_integer__is_rows_of_a_table(tmp_path, spell):
    sketch = Sketch(ids=np.zeros((2, 7), np.int64))
    graph = read(sketch.save(tmp_path / "m.onnx", spell(sketch, "ids")))
    feeds = {"ids": np.random.default_rng(0).integers(0, 9, (2, 7))}
    result = recognise(fold(graph, feeds))
    assert [node.op for node in result.nodes] == ["Gather"]
    pair = [next(iter(evaluate(g, feeds).values())) for g in (graph, result)]
    np.testing.assert_allclose(pair[0], pair[1], rtol=1e-4, atol=1e-5)
