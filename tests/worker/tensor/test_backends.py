"""Every backend computes what the reference says: all operators, types, edge shapes, extremes."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.tensor.torch_extra import need_torch
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.cases import case
from worker.tensor.execute import Runner
from worker.tensor.program import Opcode, Source
from worker.tensor.reference import Operands, element

SEEDS = st.integers(0, (1 << 32) - 1)
PICKS = 24  # elements compared in each case; the corners always are


def torch_backend(name):
    """A backend of torch: on floats in many blocks, on int8 units, or on a GPU."""
    torch = need_torch()
    from worker.tensor.backends.torch import TorchBackend
    from worker.tensor.backends.torch_place import place_on
    from worker.tensor.backends.torch_products import FloatProducts, Int8Products

    if name == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("no GPU")
        return TorchBackend(place_on("cuda"))
    products = FloatProducts() if name == "float" else Int8Products()
    return TorchBackend(replace(place_on("cpu"), products=products, block=100, tile=1000))


@pytest.fixture(scope="module", params=["numpy", "torch float", "torch int8", "torch cuda"])
def backend(request):
    """Each backend in turn."""
    return NumpyBackend() if request.param == "numpy" else torch_backend(request.param[6:])


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
@settings(deadline=None, max_examples=20)
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
