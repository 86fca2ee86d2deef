"""The court's arithmetic is the specification's: for every operator, element for element."""

import os
import random

import numpy as np
import pytest

from tests.contracts.court.disputes import dispute, one_operator, other_value
from worker.tensor.build import Fin
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType, Opcode
from worker.tensor.proof import prove_element
from worker.tensor.reference import Operands, element

RIGHT = "court: the element is right"
CASES = int(os.environ.get("COURT_CASES", "8"))  # of each operator
ELEMENTS = 4


def _seeds(opcode: Opcode) -> range:
    return range(1000 * opcode, 1000 * opcode + CASES)


def _places(shape, rng):
    rows, cols = shape
    corners = [(0, 0), (rows - 1, cols - 1)]
    return corners + [
        (rng.randrange(rows), rng.randrange(cols)) for _ in range(ELEMENTS - len(corners))
    ]


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_judge__honest_element__is_right(court, tally, opcode):
    proofs = []
    for seed in _seeds(opcode):
        about = dispute(opcode, seed, extreme=seed % 4 == 3)
        exhibits, rng = about.exhibits(), random.Random(seed)
        op = about.program.ops[about.target]
        read = Operands(*(exhibits.tensor(ref) for ref in op.operands))
        for row, col in _places(about.tensors[about.target].shape, rng):
            # The court takes the element to be right: then its own is the reference's.
            assert about.tensors[about.target][row, col] == element(op, row, col, read)
            if opcode is Opcode.ARGMAX:
                col = rng.randrange(op.a.type.cols)
            proofs.append((exhibits.claim, prove_element(exhibits, about.target, row, col)))
    answers = court.judge_all(proofs)
    tally.update({"elements": len(answers), "equal elements": answers.count(RIGHT)})
    assert set(answers) == {RIGHT}


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_judge__one_corrupted_element__convicts(court, tally, opcode):
    proofs = []
    for seed in _seeds(opcode):
        about, rng = dispute(opcode, seed, extreme=seed % 4 == 3), random.Random(seed)
        for _ in range(ELEMENTS):
            operator = rng.choice(about.visible)
            honest = about.tensors[operator]
            row, col = rng.randrange(honest.shape[0]), rng.randrange(honest.shape[1])
            type = about.program.ops[operator].output.type
            value = other_value(type, int(honest[row, col]), rng)
            lie = about.convict(about.corrupted(operator, row, col, value))
            assert lie.operator <= operator
            proofs.append((lie.claim, lie.proof))
    answers = court.judge_all(proofs)
    tally.update({"corruptions": len(answers), "convicted": answers.count(None)})
    assert set(answers) == {None}


def _ends(dtype: DType) -> list[np.ndarray]:
    """Longest rows of extremes: the least, the greatest, one after the other."""
    cols = {DType.I8: 16_384, DType.I16: 4096, DType.I32: 4100}[dtype]
    rows = [np.full(cols, dtype.min), np.full(cols, dtype.max), np.full(cols, dtype.min)]
    rows[2][::2] = dtype.max
    return [np.array(rows, dtype.numpy)]


def _products(build, x):
    ends = _ends(DType.I8)[0]
    return build.matmul(x, build.weights(ends, [-5, 0, 5], [1] * 3, [0] * 3), Fin(DType.I64))


@pytest.mark.parametrize(
    ("dtype", "make"),
    [
        (DType.I8, _products),
        (DType.I8, lambda build, x: build.bmm(x, x, 1, IDENTITY, Fin(DType.I64))),
        (DType.I8, lambda build, x: build.row_sum(x, Fin(DType.I64))),
        (DType.I16, lambda build, x: build.row_sum(x, Fin(DType.I64))),
        (DType.I32, lambda build, x: build.row_sum(x, Fin(DType.I64))),
        (DType.I8, lambda build, x: build.row_sum_squares(x, Fin(DType.I64))),
        (DType.I16, lambda build, x: build.row_sum_squares(x, Fin(DType.I64))),
        (DType.I16, lambda build, x: build.norm(x, Fin(DType.I16))),
    ],
)
def test_judge__longest_rows_of_extremes__are_exact(court, dtype, make):
    about = one_operator(make, _ends(dtype))
    rows, cols = about.tensors[0].shape
    exhibits = about.exhibits()
    for row in range(rows):
        for col in range(min(cols, 3)):
            proof = prove_element(exhibits, 0, row, col)
            assert court.judge(exhibits.claim, proof) == RIGHT
            value = int(about.tensors[0][row, col])
            lie = about.convict(about.corrupted(0, row, col, value - 1 if value > 0 else value + 1))
            assert court.judge(lie.claim, lie.proof) is None


def test_judge__quotients_around_whole_ones__round_down(court):
    x = np.array([[-5, -4, -3, -1, 0, 1, 3, 4, 5]], DType.I32.numpy)
    y = np.full(x.shape, 2, DType.I32.numpy)
    about = one_operator(lambda build, x, y: build.div(x, y, 1, Fin(DType.I64)), [x, y])
    assert about.tensors[0].tolist() == [[-3, -2, -2, -1, 0, 0, 1, 2, 2]]
    exhibits = about.exhibits()
    proofs = [
        (exhibits.claim, prove_element(exhibits, 0, 0, column)) for column in range(x.shape[1])
    ]
    assert set(court.judge_all(proofs)) == {RIGHT}
