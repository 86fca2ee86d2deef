"""Lies that were found by demands alone convict as those that were found in what was served."""

from random import Random

import pytest

from tests.contracts.court.disputes import dispute
from tests.contracts.court.liars import LIES, ask_for_lie
from worker.tensor.program import Opcode

SEEDS = 3
FEWEST = 8  # few tensors have lines that fill up their tree


@pytest.mark.parametrize("lying", LIES, ids=lambda lying: lying.__name__)
def test_judge__lie_found_by_demands__convicts(court, lying):
    lies = []
    for opcode in Opcode:
        for seed in range(SEEDS):
            about = dispute(opcode, 100 * opcode + seed)
            lie, _ = ask_for_lie(about, lying(about, Random(seed)))
            if lie is not None:
                lies.append((lie.claim, lie.proof))
    assert len(lies) >= FEWEST
    assert set(court.judge_all(lies)) == {None}
