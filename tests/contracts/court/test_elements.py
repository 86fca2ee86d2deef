"""The court's arithmetic is the specification's: for every operator, element for element."""

import os
import random

import pytest

from tests.contracts.court.disputes import dispute, other_value
from worker.tensor.program import Opcode
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
