"""Traces: which leaves they have, and where two of them part."""

import hashlib

import numpy as np
import pytest

from worker.errors import InvalidBlobError
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.commit import ZERO, Commitment
from worker.tensor.execute import Runner, execute
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType
from worker.tensor.trace import (
    first_element,
    run_traced,
    task_input,
    trace_segment,
)

X = np.array([[1, 2], [3, 4]], np.int8)


def chain(keep=Keep.LAYERS):
    """x + x, twice in segment 0 and twice in segment 1; the last is the output."""
    build = Builder()
    value = build.input(DType.I8, 2, 2)
    for step in range(4):
        if step == 2:
            build.segment()
        value = build.add(value, value, Fin(DType.I16))
    build.output(value)
    return Runner(build.build(keep), NumpyBackend())


def digest(factor):
    return Commitment((X * factor).astype(np.int16)).digest


def sha(tag, *parts):
    return hashlib.sha256(bytes([tag]) + b"".join(parts)).digest()


def test_run_traced__layers__commits_to_the_border_and_the_output():
    outputs, trace = run_traced(chain(), [X])

    assert trace.leaves == [ZERO, digest(4), ZERO, digest(16)]
    left, right = sha(2, ZERO, digest(4)), sha(2, ZERO, digest(16))
    assert trace.root == sha(7, sha(2, left, right))
    assert [output.tolist() for output in outputs] == [[[16, 32], [48, 64]]]


@pytest.mark.parametrize(("keep", "count"), [(Keep.OUTPUTS, 1), (Keep.ALL, 4)])
def test_run_traced__other_choices__commit_to_that_many(keep, count):
    _, trace = run_traced(chain(keep), [X])

    assert sum(leaf != ZERO for leaf in trace.leaves) == count


def test_trace_segment__each__commits_to_what_its_segment_hides():
    first, second = (trace_segment(chain(), [X], segment) for segment in (0, 1))

    assert first.leaves == [digest(2), ZERO, ZERO, ZERO]
    assert second.leaves == [ZERO, ZERO, digest(8), ZERO]
    assert second.root == sha(8, b"\0\1", second.tree.root)


def test_trace_segment__nothing_hidden__is_all_zero():
    assert set(trace_segment(chain(Keep.ALL), [X], 1).leaves) == {ZERO}


def test_task_input__two_inputs__hashes_their_digests():
    assert task_input([X, X]) == sha(6, Commitment(X).digest, Commitment(X).digest)


def test_first_element__differences__is_the_first_in_row_order():
    other = X.copy()
    other[1, 0] = other[1, 1] = 9

    assert first_element(X, other) == (1, 0)
    assert first_element(X, X.copy()) is None
    with pytest.raises(ValueError, match="shapes"):
        first_element(X, X[:1])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "inputs: 0, the program takes 1"),
        ([X, X], "inputs: 2, the program takes 1"),
        ([X[:1]], "input 0: i8 1x2, the program takes i8 2x2"),
        ([X.astype(np.int16)], "input 0: i16 2x2"),
        ([X.astype(np.uint8)], "input 0: a tensor is a matrix of integers, not uint8"),
        ([X[0]], "input 0: a tensor is a matrix"),
        ([X.astype(np.float32)], "input 0: a tensor is a matrix"),
    ],
)
def test_run__wrong_inputs__are_refused_at_once(inputs, message):
    with pytest.raises(InvalidBlobError, match=message):
        chain().run(inputs)


def test_execute__inputs_that_are_views__are_left_as_they_were():
    big = np.arange(16, dtype=np.int8).reshape(4, 4)
    view = big[::2, ::2]

    (output,) = execute(chain().program, [view], NumpyBackend())

    assert output.tolist() == (view.astype(np.int16) * 16).tolist()
    assert big.tolist() == np.arange(16).reshape(4, 4).tolist()


class Counting(NumpyBackend):
    """Knows which tensors are alive."""

    def __init__(self):
        self.made = []

    def compute(self, op, operands):
        import weakref

        result = super().compute(op, operands)
        self.made.append(weakref.ref(result))
        return result

    @property
    def alive(self):
        return sum(ref() is not None for ref in self.made)


def test_run__long_chain__holds_no_tensor_after_its_last_use():
    build = Builder()
    value = build.input(DType.I8, 2, 2)
    for _ in range(20):
        value = build.requant(value, IDENTITY, Fin(DType.I8))
    build.output(value)
    backend = Counting()
    most = []
    compute = backend.compute
    backend.compute = lambda op, operands: (most.append(backend.alive), compute(op, operands))[1]

    list(Runner(build.build(), backend).run([X]))

    assert len(backend.made) == 20
    assert max(most) == 1  # the operand


def test_run__only_early_tensors_wanted__stops_after_them():
    backend = Counting()
    runner = Runner(chain().program, backend)

    assert [k for k, _ in runner.run([X], [0, 1])] == [0, 1]
    assert len(backend.made) == 2
