"""Where floats end operators: they are right at every tie and beside it, or they are not used."""

import numpy as np
import pytest

from worker.tensor.backends.ending import Ending
from worker.tensor.build import Builder, Fin
from worker.tensor.numbers import IDENTITY, fin, rq
from worker.tensor.program import DType

BOUND = 1 << 40
LIMITS = [(DType.I8, 43), (DType.I16, 35), (DType.I32, 19)]  # and the largest s for floats


def op_of(end):
    build = Builder()
    build.output(build.requant(build.input(DType.I8, 1, 1), IDENTITY, end))
    return build.build().ops[0]


def ties(s, count=40):
    """Pairs (v, m) whose v·m lies at a half of 2^s, or one beside it."""
    draw = np.random.default_rng(s)
    found = []
    while len(found) < count:
        v = int(draw.integers(1, 1 << 18)) | 1
        for offset in (0, -1, 1):
            m = ((1 << s - 1) + offset) * pow(v, -1, 1 << s) % (1 << s)
            m += max(0, (1 << 30) - m + (1 << s) - 1 >> s << s)  # up into its range
            if 1 << 30 <= m < 1 << 31:
                found += [(v, m), (-v, m)]
    return found


@pytest.mark.parametrize(("dtype", "largest"), LIMITS, ids=str)
def test_ending__largest_shift_for_floats__is_exact_beside_every_tie(dtype, largest):
    for v, m in ties(largest):
        check(dtype, v, m, largest)


def check(dtype, v, m, s):
    for end in (Fin(dtype), Fin(dtype, zp=dtype.max), Fin(dtype, zp=dtype.min)):
        ending = Ending(op_of(end), m, s, BOUND)
        assert ending.dtype == np.float64
        for near in (v - 1, v, v + 1):
            result = ending(np.array([near], np.float64))
            assert int(result[0]) == fin(rq(near, m, s), end.zp, dtype.min, dtype.max)


@pytest.mark.parametrize(("dtype", "largest"), LIMITS, ids=str)
def test_ending__beyond_the_largest_shift__computes_in_int64(dtype, largest):
    assert Ending(op_of(Fin(dtype)), (1 << 31) - 1, largest + 1, BOUND).dtype == np.int64


def test_ending__common_factors__are_taken_out():
    ending = Ending(op_of(Fin(DType.I8)), [1 << 30, 0, 3 << 29], [46, 3, 30], BOUND)

    assert (ending.m.tolist(), ending.s.tolist()) == ([1, 0, 3], [16, 1, 1])
    assert ending.is_float


def test_ending__numbers_that_are_no_floats__computes_in_int64():
    assert Ending(op_of(Fin(DType.I8)), 1, 1, 1 << 53).dtype == np.int64
    assert Ending(op_of(Fin(DType.I64)), 1, 0, 1 << 20).dtype == np.int64


@pytest.mark.parametrize("m", [0, 1, (1 << 31) - 1])
@pytest.mark.parametrize("zp", [-5, 0, 3])
def test_ending__no_shift__adds_nothing(m, zp):
    end = Fin(DType.I16, zp)
    values = np.arange(-3, 4)
    ending = Ending(op_of(end), m, 0, BOUND)

    expected = [fin(int(v) * m, zp, -(1 << 15), (1 << 15) - 1) for v in values]
    assert ending(values.astype(ending.dtype)).tolist() == expected


def test_ending__a_multiplier_for_each_column__uses_each():
    ending = Ending(op_of(Fin(DType.I8)), [1, 1 << 30], [0, 31], BOUND)

    assert ending(np.array([[3.0, 3.0]])).tolist() == [[3, 2]]


def test_end_on_gpu__source__is_one_that_torch_takes():
    pytest.importorskip("torch", reason="torch, the extra `gpu`, is not installed")
    from worker.tensor.backends.torch_ending import _kernel

    assert _kernel().kernel_name == "ending"
