"""No proof convicts an honest trace, however it is made."""

import os
import random

import pytest

from tests.contracts.court.disputes import dispute
from tests.contracts.court.mutations import MUTATIONS, Scene
from worker.tensor.program import Opcode

CASES = int(os.environ.get("COURT_CASES", "8"))  # of each operator


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_judge__honest_trace__is_never_convicted(court, tally, opcode):
    asked, names = [], []
    for seed in range(1000 * opcode, 1000 * opcode + CASES):
        about = dispute(opcode, seed, extreme=seed % 4 == 3)
        for number, mutate in enumerate(MUTATIONS):
            asked.append(mutate(Scene(about, random.Random(f"{seed} {number}"))))
            names.append((seed, mutate.__name__))
    answers = court.judge_all(asked)
    convicted = [name for name, answer in zip(names, answers, strict=True) if answer is None]
    tally.update({"refusals": len(answers), "wrongly convicted": len(convicted)})
    assert convicted == []
