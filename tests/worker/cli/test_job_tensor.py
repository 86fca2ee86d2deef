"""Tensor jobs at the command line: checked without a network, shown as what they are."""

from pathlib import Path

import yaml

from tests.worker.client.provable_cast import digits_file
from worker.cli.exits import Exit
from worker.cli.job_results import _verdict
from worker.cli.output import Output
from worker.client.tensor_verify import Difference, TensorVerdict
from worker.types import OperatorId, TaskIndex

DIGITS = Path("examples/digits")


def test_validate__digits__tells_kind_and_program(run):
    found = run("job", "validate", DIGITS / "job.yaml", "-o", "json").data
    program = run("model", "show", DIGITS / "mlp.ptp", "-o", "json").data

    assert (found["kind"], found["tasks"], found["batches"]) == ("tensor", 4, 2)
    assert "0x" + found["program"] == program["root"]
    assert "engine" not in found


def test_validate__field_of_the_other_kind__named_in_one_line(run, tmp_path):
    digits_file(tmp_path)
    fields = yaml.safe_load((tmp_path / "job.yaml").read_text())
    (tmp_path / "job.yaml").write_text(yaml.safe_dump({**fields, "seats": 3}))

    result = run("job", "validate", tmp_path / "job.yaml")

    assert result.code == Exit.BAD_SPEC
    assert result.err.splitlines()[0] == "error: seats: no such field in a job of kind tensor"


def test_show__posted_digits__tells_what_stands_behind_the_result(run, settings, tmp_path):
    digits_file(tmp_path / "job")
    key = run("job", "submit", tmp_path / "job" / "job.yaml", "-q").out.strip()

    shown = run("job", "show", key, "-o", "json").data

    assert shown["service"] == "ProvableJobs"
    assert shown["escrow"] == "0.08"
    assert shown["checked_by"] == (
        "an audit of 50 % of the batches, then anybody's proof within 60 s"
    )
    assert shown["batches"][0]["until"].endswith("UTC")
    assert run("job", "cancel", key, "-o", "json").data["cancelled"] == [0, 1]


def test_verdict__wrong_in_the_challenge__says_where_and_what_to_do(capsys):
    difference = Difference(OperatorId(3), 1, "MATMUL", (2, 5), 12, 13)

    row = _verdict(TensorVerdict(TaskIndex(4), False, False, difference), Output())

    assert row == {
        "task": 4,
        "agrees": False,
        "difference": "operator 3 differs first in step 1 (MATMUL), element [2, 5]: 12, here 13",
    }
    assert "`proofmesh node watch` convicts who showed it" in capsys.readouterr().err
