"""Where floats end operators: they are right at every tie and beside it, or they are not used."""

import numpy as np
import pytest

from tests.worker.tensor.torch_extra import need_torch
from worker.tensor.backends.ending import Ending
from worker.tensor.build import Builder, Fin
from worker.tensor.numbers import IDENTITY, fin, rq
from worker.tensor.program import DType

BOUND = 1 << 40
LIMITS = [(DType.I8, 42), (DType.I16, 34), (DType.I32, 18)]  # and the largest s for floats


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


@pytest.mark.parametrize("s", [0, 1, 30, 34])
@pytest.mark.parametrize("m", [1, (1 << 30) + 1, (1 << 31) - 1])
def test_ending__factor_and_summand__are_as_if_applied_before(m, s):
    draw = np.random.default_rng(s)
    v = draw.integers(-(1 << 15), 1 << 15, (50, 20))
    by = draw.integers(-(1 << 15), 1 << 15, 20)
    plus = draw.integers(-(1 << 29), 1 << 29, 20)
    end = Fin(DType.I16, 7)
    ending = Ending(op_of(end), m, s, 1 << 31, by=by, plus=plus)

    expected = np.clip(rq(v * by + plus, m, s) + 7, -(1 << 15), (1 << 15) - 1)
    assert ending(v.astype(ending.dtype)).tolist() == expected.tolist()


def test_ending__small_sums_and_a_shift__computes_in_int32():
    values = np.arange(-100, 100, dtype=np.int16)
    ending = Ending(op_of(Fin(DType.I8, 1)), 1, 3, 1 << 20, plus=5)

    assert ending.dtype == np.int32
    expected = np.clip(rq(values.astype(np.int64) + 5, 1, 3) + 1, -128, 127)
    assert ending(values).tolist() == expected.tolist()
    assert Ending(op_of(Fin(DType.I8, 1)), 1, 3, 1 << 30).dtype == np.float64


def test_ending__operand_of_its_own_type__stays_as_it_is():
    for m, s, dtype in ((1, 3, np.int32), (3 << 28, 31, np.float64), (3, 60, np.int64)):
        ending = Ending(op_of(Fin(DType.I8)), m, s, 1 << 20)
        values = np.arange(9, dtype=dtype)
        ending(values)

        assert ending.dtype == dtype
        assert values.tolist() == list(range(9))


def test_end_on_gpu__source__is_one_that_torch_takes():
    need_torch()
    from worker.tensor.backends.torch_ending import _kernel

    assert _kernel().kernel_name == "ending"
