"""Every backend computes what the reference says: all operators, types, edge shapes, extremes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.cases import case
from worker.tensor.execute import Runner
from worker.tensor.program import Opcode, Source
from worker.tensor.reference import Operands, element

BACKENDS = [NumpyBackend()]
SEEDS = st.integers(0, (1 << 32) - 1)
PICKS = 24  # elements compared in each case; the corners always are


def operands_of(program, inputs):
    """Return what the last operator reads."""
    from_source = {Source.INPUT: inputs, Source.CONSTANT: program.constants}
    return [from_source[ref.source][ref.index] for ref in program.ops[-1].operands]


def places(type, seed):
    picks = random.Random(seed)
    corners = [(r, c) for r in (0, type.rows - 1) for c in (0, type.cols - 1)]
    return corners + [
        (picks.randrange(type.rows), picks.randrange(type.cols)) for _ in range(PICKS)
    ]


@pytest.mark.parametrize("opcode", Opcode, ids=lambda code: code.name.lower())
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, extreme=st.booleans())
def test_compute__any_case__is_the_reference(backend, opcode, seed, extreme):
    made = case(opcode, seed, extreme)
    op = made.program.ops[-1]
    read = Operands(*operands_of(made.program, made.inputs))

    ((_, result),) = Runner(made.program, backend).run(made.inputs)

    assert result.dtype == op.output.type.dtype.numpy
    assert result.shape == (op.output.type.rows, op.output.type.cols)
    for r, c in places(op.output.type, seed):
        assert result[r, c] == element(op, r, c, read)
