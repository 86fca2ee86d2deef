"""The file-type model as a program, on real files."""

import numpy as np
import pytest

magika = pytest.importorskip("magika")

from examples.magika import data, pack  # noqa: E402 - they need the package

FILES = 24


@pytest.fixture(scope="module")
def packed():
    return pack.pack()


def test_data__calibration_and_judging__share_no_file():
    lines = [line.split(" ", 2) for line in data.FILES.read_text().splitlines() if line[0] != "#"]
    digests = {use: {d for u, d, _ in lines if u == use} for use in ("calibrate", "judge")}
    assert len(digests["calibrate"] | digests["judge"]) == len(lines)


def test_float_model__real_file__says_what_the_package_says(packed):
    content = data.FILES.read_bytes()
    logits = packed[0].run({"bytes": data.features(content)[None]})
    official = magika.Magika().identify_bytes(content)
    powers = np.exp(next(iter(logits.values()))[0])
    assert powers.max() / powers.sum() == pytest.approx(official.score, abs=1e-4)


def test_program__held_out_files__agrees_with_the_float_model(packed):
    model, program = packed
    same = 0
    for features in data.load("judge")[:FILES]:
        real, integer = (m.run({"bytes": features[None]}) for m in (model, program))
        same += next(iter(real.values())).argmax() == next(iter(integer.values())).argmax()
    assert same >= FILES - 1
