"""`proofmesh model`: import with its accuracy, show with its costs, and clear refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from worker.cli.model import model
from worker.errors import InvalidProgramError, UsageError
from worker.tensor.importers.extras import need
from worker.tensor.program import Program

onnx = pytest.importorskip("onnx")

from tests.worker.tensor.importers.models import Sketch, normal  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]


def _run(*args: object) -> Result:
    return CliRunner().invoke(model, [str(arg) for arg in args])


@pytest.fixture
def mlp(tmp_path: Path) -> Path:
    sketch = Sketch(x=normal(1, 8))
    hidden = sketch.Gelu(sketch.MatMul("x", normal(8, 16, scale=0.3)))
    path = sketch.save(tmp_path / "mlp.onnx", sketch.MatMul(hidden, normal(16, 4, scale=0.3)))
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "samples.npy", normal(60, 8, seed=4))
    return path


@pytest.mark.parametrize("checkpoints", ["outputs", "layers", "all"])
def test_import__onnx__writes_a_program_and_says_how_near(mlp, checkpoints):
    out, data = mlp.with_suffix(".ptp"), mlp.parent / "data"
    given = ("--calibrate", data, "-o", out, "--checkpoints", checkpoints, "--output", "json")
    result = _run("import", mlp, *given)
    assert result.exit_code == 0, result.output
    shown = json.loads(result.output)
    program = Program.decode(out.read_bytes())
    assert shown["root"] == "0x" + program.root.hex()
    assert shown["judged_on"] == 12
    assert shown["mean_cosine"] > 0.99
    kept = [op.is_checkpoint or op.is_output for op in program.ops]
    assert kept == {"outputs": [0, 0, 1], "layers": [0, 1, 1], "all": [1, 1, 1]}[checkpoints]


def test_show__program__lists_operators_and_costs():
    result = _run("show", ROOT / "examples" / "digits" / "mlp.ptp", "-o", "json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.output)
    assert [row["operator"] for row in shown["list"]] == ["MATMUL", "MATMUL"]
    assert shown["parameters"] == 64 * 48 + 48 * 10
    assert shown["macs"] == 16 * shown["parameters"]
    assert 1000 < shown["largest_proof_bytes"] < 40_960
    gas = [row["gas_estimate"] for row in shown["list"]]
    assert shown["conviction_gas_estimate"] == max(gas) and min(gas) > 100_000
    assert shown["trace_bytes_outputs"] == 16 * 10 * 2
    assert shown["trace_bytes_all"] == 16 * 10 * 2 + 16 * 48


def test_show__for_people__is_a_table():
    result = _run("show", ROOT / "examples" / "digits" / "cnn.ptp")
    assert "CONV2D" in result.output
    assert "trace bytes as packed" in result.output


def test_show__no_program__is_refused(tmp_path):
    (tmp_path / "x.ptp").write_bytes(b"PTPF")
    assert isinstance(_run("show", tmp_path / "x.ptp").exception, InvalidProgramError)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npy", b"nonsense", "a.npy"),
        ("a.dat", b"", "no .npy or .npz"),
    ],
)
def test_import__no_samples__usage_error(mlp, tmp_path, name, content, words):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / name).write_bytes(content)
    result = _run("import", mlp, "--calibrate", folder, "-o", tmp_path / "o.ptp")
    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)
    assert not (tmp_path / "o.ptp").exists()


def test_import__wrong_shape__usage_error(mlp, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    np.save(folder / "a.npy", normal(20, 7))
    result = _run("import", mlp, "--calibrate", folder, "-o", tmp_path / "o.ptp")
    assert "the model takes (None, 8)" in str(result.exception)


def test_need__package_missing__names_the_extra():
    with pytest.raises(UsageError, match=r"proofmesh\[models\]"):
        need("no_such_package.at_all")
