import random

import numpy as np
import pytest

from worker.errors import InvalidProgramError
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin, Keep, window
from worker.tensor.cases import case
from worker.tensor.commit import Tree
from worker.tensor.execute import Runner
from worker.tensor.numbers import IDENTITY
from worker.tensor.openings import Whole
from worker.tensor.program import DType, Opcode
from worker.tensor.proof import MIN_BYTES, Exhibits, prove_element
from worker.tensor.proof_size import MAX_PROOF_BYTES, longest_proof
from worker.tensor.trace import Trace, task_input
from worker.tensor.validate import validate


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_longest_proof__any_element__is_a_bound(opcode):
    for seed in range(8):
        small = case(opcode, seed)
        program, inputs = small.program, small.inputs
        (op,) = program.ops
        ((_, tensor),) = Runner(program, NumpyBackend()).run(inputs, [0])
        held, rng = Whole(tensor), random.Random(seed)
        tasks, trace = Tree([task_input(inputs)] * 9), Trace([held.digest])
        exhibits = Exhibits(program, tasks, 3, inputs, trace, {0: held})
        cols = (op.a if opcode is Opcode.ARGMAX else op.output).type.cols
        row, col = rng.randrange(op.output.type.rows), rng.randrange(cols)
        proof = prove_element(exhibits, 0, row, col)
        bound = longest_proof(op, len(program.inputs), len(program.constants), 1)
        assert len(proof) <= max(bound, MIN_BYTES)


def _program(make, *shapes):
    build = Builder()
    build.output(make(build, *(build.input(DType.I8, *shape) for shape in shapes)))
    return build.build(Keep.ALL)


def test_validate__longest_row__has_a_proof():
    def matmul(build, x):
        weights = build.weights(np.ones((64, 16_384), np.int8), *[[1] * 64] * 3)
        return build.matmul(x, weights, Fin(DType.I8))

    validate(_program(matmul, (1 << 16, 16_384)))


def test_validate__global_pool_of_long_rows__has_too_long_a_proof():
    def pool(build, x):
        whole = window((8, 8, 2000), (8, 8))
        return build.average_pool(x, whole, IDENTITY, Fin(DType.I32))

    with pytest.raises(InvalidProgramError, match=f"proof: .*, at most {MAX_PROOF_BYTES}"):
        validate(_program(pool, (8, 8 * 2000)))


@pytest.mark.parametrize(
    ("kernel", "message"), [((17, 1), "17 rows, at most 16"), ((16, 33), "a window of 528")]
)
def test_validate__huge_window__is_refused(kernel, message):
    def pool(build, x):
        return build.max_pool(x, window((100, 100, 1), kernel))

    with pytest.raises(InvalidProgramError, match=message):
        validate(_program(pool, (100, 100)))


def _convolve(channels):
    def conv(build, x):
        place = window((16, 16, channels), (16, 16))
        weights = build.weights(np.ones((1, 256 * channels), np.int8), [1], [1], [0])
        return build.conv(x, weights, place, Fin(DType.I8))

    return _program(conv, (16, 16 * channels))


def test_validate__most_products_of_a_window__are_taken():
    validate(_convolve(58))


def test_validate__more_products_of_a_window__are_refused():
    with pytest.raises(InvalidProgramError, match="15104 products, at most 14848"):
        validate(_convolve(59))
