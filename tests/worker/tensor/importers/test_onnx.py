"""Whole models from ONNX files to integers, judged by the float model on unseen data."""

from pathlib import Path

import numpy as np
import pytest

from tests.worker.tensor.importers.models import Sketch, normal
from worker.errors import UsageError
from worker.tensor.build import Keep
from worker.tensor.importers import onnx
from worker.tensor.importers.model import Model

BATCH = 2


def _error(
    path: Path, calibration: dict[str, np.ndarray], held_out: dict[str, np.ndarray]
) -> float:
    """Return the worst output's relative error, in units of its deviation."""
    model = onnx.load(path, calibration, BATCH)
    packed = onnx.quantise(model, calibration, Keep.LAYERS)
    worst = 0.0
    for start in range(0, len(next(iter(held_out.values()))), BATCH):
        feeds = {name: x[start : start + BATCH] for name, x in held_out.items()}
        integers = packed.run(feeds)
        for name, real in model.run(feeds).items():
            assert integers[name].shape == real.shape
            error = np.sqrt(np.mean((integers[name] - real) ** 2)) / real.std()
            worst = max(worst, float(error))
    return worst


def _save_and_judge(sketch: Sketch, tmp_path: Path, *outputs: str) -> float:
    path = sketch.save(tmp_path / "m.onnx", *outputs)
    shapes = {name: value.shape[1:] for name, value in sketch.inputs.items()}
    drawn = [
        {name: normal(count, *shape, seed=seed) for name, shape in shapes.items()}
        for seed, count in ((1, 24), (2, 8))
    ]
    return _error(path, *drawn)


def _linear(s: Sketch, x: str, inputs: int, outputs: int, seed: int) -> str:
    w = normal(inputs, outputs, seed=seed, scale=inputs**-0.5)
    return s.Add(s.MatMul(x, w), normal(outputs, seed=seed + 1, scale=0.1))


def _attention(s: Sketch, x: str, width: int, heads: int, seed: int) -> str:
    def split(part: str) -> str:
        return s.Transpose(s.Reshape(part, [0, 0, heads, width // heads]), perm=[0, 2, 1, 3])

    q, k, v = (split(_linear(s, x, width, width, seed + 10 * i)) for i in range(3))
    scores = s.Div(s.MatMul(q, s.Transpose(k, perm=[0, 1, 3, 2])), float(width // heads) ** 0.5)
    context = s.MatMul(s.Softmax(scores, axis=-1), v)
    joined = s.Reshape(s.Transpose(context, perm=[0, 2, 1, 3]), [0, 0, width])
    return _linear(s, joined, width, width, seed + 40)


def _norm_by_hand(s: Sketch, x: str, width: int, seed: int) -> str:
    centred = s.Sub(x, s.ReduceMean(x, [-1]))
    variance = s.ReduceMean(s.Pow(centred, 2.0), [-1])
    normal_form = s.Div(centred, s.Sqrt(s.Add(variance, 1e-5)))
    return s.Add(
        s.Mul(normal_form, 1 + normal(width, seed=seed, scale=0.2)), normal(width, seed=seed)
    )


def test_quantise__mlp_with_gelu_by_hand__is_near(tmp_path):
    s = Sketch(x=normal(BATCH, 24))
    h = _linear(s, "x", 24, 40, 1)
    g = s.Mul(s.Mul(h, 0.5), s.Add(s.Erf(s.Div(h, 2.0**0.5)), 1.0))
    assert _save_and_judge(s, tmp_path, _linear(s, g, 40, 10, 5)) < 0.03


def test_quantise__transformer_encoder__is_near(tmp_path):
    s = Sketch(x=normal(BATCH, 12, 32))
    x = s.Add("x", normal(1, 12, 32, seed=9))
    x = _norm_by_hand(s, s.Add(x, _attention(s, x, 32, 4, 20)), 32, 70)
    inner = s.Gelu(_linear(s, x, 32, 64, 80))
    x = s.Add(x, _linear(s, inner, 64, 32, 90))
    x = s.LayerNormalization(x, 1 + normal(32, seed=3, scale=0.1), normal(32, seed=4))
    assert _save_and_judge(s, tmp_path, s.ReduceMean(x, [1], keepdims=0)) < 0.05


def test_quantise__convolutions_of_every_kind__is_near(tmp_path):
    s = Sketch(x=normal(BATCH, 3, 12, 10))
    x = s.Conv("x", normal(8, 3, 3, 3, scale=0.2), normal(8), pads=[1, 1, 1, 1])
    x = s.Relu(s.BatchNormalization(x, *(np.abs(normal(8, seed=i)) + 0.5 for i in range(4))))
    x = s.Clip(s.Conv(x, normal(8, 1, 3, 3, scale=0.4), group=8, strides=[2, 1]), 0.0, 6.0)
    x = s.HardSwish(s.Conv(x, normal(16, 8, 1, 1, scale=0.4)))
    x = s.MaxPool(x, kernel_shape=[2, 2], strides=[1, 2])
    x = s.AveragePool(x, kernel_shape=[2, 2])
    y = s.Flatten(s.GlobalAveragePool(x))
    z = s.Flatten(s.GlobalMaxPool(x))
    head = _linear(s, s.Concat(y, z, axis=1), 32, 6, 30)
    assert _save_and_judge(s, tmp_path, head) < 0.08


def test_quantise__sequence_model__is_near(tmp_path):
    s = Sketch(x=normal(BATCH, 5, 30))
    x = s.Tanh(s.Conv("x", normal(12, 5, 5, scale=0.2), normal(12), strides=[2], pads=[2, 2]))
    left, right = s.Split(x, outputs=2, axis=1, num_outputs=2)
    gated = s.Mul(left, s.Sigmoid(right))
    y = _linear(s, s.Flatten(s.Slice(gated, [3], [11], [2])), 48, 7, 8)
    assert _save_and_judge(s, tmp_path, s.Sub(y, 0.5 * normal(7)), s.ReduceMean(gated, [2])) < 0.06


def test_quantise__softmax_inside_the_model__is_near(tmp_path):
    s = Sketch(x=normal(BATCH, 20))
    shares = s.Softmax(_linear(s, "x", 20, 12, 3), axis=1)
    assert _save_and_judge(s, tmp_path, _linear(s, shares, 12, 5, 7)) < 0.06


def test_quantise__words_and_positions__is_near(tmp_path):
    s = Sketch(ids=np.zeros((BATCH, 6), np.int64))
    x = s.Add(s.Gather(normal(50, 16), "ids"), normal(6, 16, seed=2))
    x = s.LayerNormalization(x, 1 + normal(16, scale=0.1), normal(16))
    path = s.save(tmp_path / "m.onnx", _linear(s, s.Flatten(x), 96, 8, 3))
    rng = np.random.default_rng(0)
    drawn = [{"ids": rng.integers(0, 50, (count, 6))} for count in (24, 8)]
    assert _error(path, *drawn) < 0.02


def test_quantise__dead_channel_with_a_bias__bias_survives(tmp_path):
    s = Sketch(x=normal(BATCH, 8))
    w = normal(8, 4)
    w[:, 2] = 0
    path = s.save(tmp_path / "m.onnx", s.Add(s.MatMul("x", w), np.array([0.0, 1.0, 3.0, -2.0])))
    samples = {"x": normal(32, 8, seed=5)}
    packed = onnx.quantise(onnx.load(path, samples, BATCH), samples, Keep.ALL)
    result = packed.run({"x": normal(BATCH, 8, seed=6)})
    np.testing.assert_allclose(next(iter(result.values()))[:, 2], 3.0, atol=0.01)


def test_load__softmax_at_the_end__gives_logits(tmp_path):
    s = Sketch(x=normal(BATCH, 8))
    logits = _linear(s, "x", 8, 4, 1)
    path = s.save(tmp_path / "m.onnx", s.Softmax(logits))
    samples = {"x": normal(4, 8)}
    assert onnx.load(path, samples, BATCH).graph.outputs == (logits,)


def test_quantise__same_data__same_bytes(tmp_path):
    s = Sketch(x=normal(BATCH, 8))
    path = s.save(tmp_path / "m.onnx", s.Gelu(_linear(s, "x", 8, 4, 1)))
    samples = {"x": normal(32, 8)}
    model = onnx.load(path, samples, BATCH)
    made = {onnx.quantise(model, samples, Keep.ALL).program.encode() for _ in range(2)}
    assert len(made) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_quantise__calibration_is_not_finite__usage_error(tmp_path, bad):
    s = Sketch(x=normal(BATCH, 8))
    path = s.save(tmp_path / "m.onnx", s.Relu(_linear(s, "x", 8, 4, 1)))
    samples = {"x": normal(32, 8)}
    samples["x"][7, 3] = bad
    with pytest.raises(UsageError, match='"x" is not finite'):
        onnx.quantise(onnx.load(path, samples, BATCH), samples, Keep.ALL)


def test_quantise__overflow_inside_the_model__names_the_tensor(tmp_path):
    s = Sketch(x=normal(BATCH, 8))
    h = s.Exp(_linear(s, "x", 8, 4, 1))
    path = s.save(tmp_path / "m.onnx", _linear(s, h, 4, 4, 3))
    samples = {"x": normal(32, 8) * 1e6}
    with pytest.raises(UsageError, match="is not finite"):
        onnx.quantise(onnx.load(path, samples, BATCH), samples, Keep.ALL)


def test_load__operator_without_integer_form__is_named(tmp_path):
    s = Sketch(x=normal(BATCH, 8), y=normal(BATCH, 8))
    path = s.save(tmp_path / "m.onnx", s.Div("x", "y"))
    with pytest.raises(UsageError, match='no integer form: Div "node0"'):
        onnx.load(path, {"x": normal(4, 8), "y": normal(4, 8)}, BATCH)


def test_load__too_few_samples__usage_error(tmp_path):
    s = Sketch(x=normal(BATCH, 8))
    path = s.save(tmp_path / "m.onnx", s.Relu("x"))
    with pytest.raises(UsageError, match="too few"):
        onnx.load(path, {"x": normal(1, 8)}, BATCH)


def test_model__saved_and_loaded__gives_the_same(tmp_path):
    s = Sketch(x=normal(BATCH, 3, 6, 6))
    path = s.save(tmp_path / "m.onnx", s.Conv("x", normal(4, 3, 3, 3)))
    samples = {"x": normal(8, 3, 6, 6)}
    packed = onnx.quantise(onnx.load(path, samples, BATCH), samples, Keep.ALL)
    packed.save(tmp_path / "m.ptp")
    loaded = Model.load(tmp_path / "m.ptp")
    feeds = {"x": samples["x"][:BATCH]}
    name = loaded.outputs[0].name
    np.testing.assert_array_equal(loaded.run(feeds)[name], packed.run(feeds)[name])
    with pytest.raises(UsageError, match="shape"):
        loaded.run({"x": samples["x"]})


def test_model__ports_missing_or_broken__usage_error(tmp_path):
    (tmp_path / "m.ptp").write_bytes(b"")
    with pytest.raises(UsageError, match=r"m\.json"):
        Model.load(tmp_path / "m.ptp")
    (tmp_path / "m.json").write_text('{"inputs": [{}]}')
    with pytest.raises(UsageError, match=r"m\.json"):
        Model.load(tmp_path / "m.ptp")
