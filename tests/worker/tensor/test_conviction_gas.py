"""The estimate of a conviction's gas, against what bench/tensor_gas.py measured."""

import json
from pathlib import Path

import pytest

from worker.tensor.conviction_gas import conviction_gas, element_gas
from worker.tensor.program import Opcode, Program

MEASURED = json.loads(Path("bench/results/tensor.json").read_text())
MOST = 1.15


@pytest.fixture(scope="module")
def lies():
    """The programs that the bench measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend("bench")
        import _court

        yield _court


def estimate(lie) -> int:
    program = lie.program
    counts = len(program.inputs), len(program.constants), len(program.ops)
    return element_gas(program.ops[lie.operator], *counts)


@pytest.mark.parametrize(("inner", "rows"), [(384, 384), (4096, 4096), (11_008, 4096)])
def test_estimate__products__not_below_what_was_measured(lies, inner, rows):
    measured = MEASURED["conviction_gas"][str(inner)]

    assert measured <= estimate(lies.matmul(inner, rows)) <= MOST * measured


def test_estimate__dearest_element_of_every_operator__not_below_what_was_measured(lies):
    found = {name: max(map(estimate, some)) for name, some in lies.dearest().items()}

    assert found.keys() == {op.name for op in Opcode} - {"MATMUL"}
    shares = {name: gas / MEASURED["dearest_element_gas"][name] for name, gas in found.items()}
    assert {name: share for name, share in shares.items() if not 1 <= share <= MOST} == {}


def test_conviction_gas__program__is_its_dearest_operators():
    program = Program.decode(Path("examples/digits/cnn.ptp").read_bytes())
    counts = len(program.inputs), len(program.constants), len(program.ops)

    assert conviction_gas(program) == max(element_gas(op, *counts) for op in program.ops)
    assert 150_000 < conviction_gas(program) < 400_000
