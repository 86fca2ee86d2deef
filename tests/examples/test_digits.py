"""The digit networks as programs, on images that they have not learnt from."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from examples.digits import data, pack
from worker.tensor.importers import onnx
from worker.tensor.importers.judge import outputs
from worker.tensor.importers.model import Model


def test_pack__again__same_bytes(tmp_path):
    pack.pack(tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert path.read_bytes() == (pack.HERE / path.relative_to(tmp_path)).read_bytes()


def test_pack__kernels_of_another_processor__same_bytes():
    """They add in another order, so the last bits of every float differ."""
    older = {**os.environ, "OPENBLAS_CORETYPE": "Prescott"}
    command = [sys.executable, "-m", "examples.digits.pack", "--check"]
    subprocess.run(command, env=older, check=True, timeout=60)


@pytest.mark.parametrize("name", pack.SHAPES)
def test_program__held_out_images__as_good_as_the_float_model(name):
    split = data.load()
    images = {"pixels": split.test.reshape(-1, *pack.SHAPES[name])}
    model = onnx.load(pack.HERE / f"{name}.onnx", images, pack.BATCH)
    program = Model.load(pack.HERE / f"{name}.ptp")
    real, integer = (
        outputs(m.run, images, pack.BATCH)["logits"].argmax(1) for m in (model, program)
    )
    labels = split.test_labels
    assert np.mean(real == integer) >= 0.995
    assert abs(np.mean(real == labels) - np.mean(integer == labels)) <= 0.005
    assert np.mean(integer == labels) > 0.95
