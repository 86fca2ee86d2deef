"""The numbers of docs/tensor.md §1, on Python ints and on arrays."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.tensor import numbers

MULTIPLIERS = st.one_of(st.sampled_from([0, 1]), st.integers(1 << 30, (1 << 31) - 1))


@given(st.integers(-(1 << 31), 1 << 31), MULTIPLIERS, st.integers(0, 62))
def test_rq__any_number__is_the_product_rounded_once_ties_up(v, m, s):
    exact = Fraction(v * m, 1 << s)
    half = Fraction(1, 2) if s else 0

    assert numbers.rq(v, m, s) == math.floor(exact + half)


@given(st.lists(st.integers(-(1 << 31), 1 << 31), min_size=1), MULTIPLIERS, st.integers(0, 61))
def test_rq__array__is_rq_of_each(values, m, s):
    array = np.array(values, np.int64)
    shifts = np.full(len(values), s)

    expected = [numbers.rq(v, m, s) for v in values]
    assert numbers.rq(array, m, s).tolist() == expected
    assert numbers.rq(array, np.int64(m), shifts).tolist() == expected


@pytest.mark.parametrize(("v", "expected"), [(3, 2), (1, 1), (-1, 0), (-3, -1), (5, 3)], ids=str)
def test_rq__halves__round_up(v, expected):
    assert numbers.rq(v, 1, 1) == expected


def test_rq__one_and_no_shift__leaves_the_number():
    assert numbers.rq(-7, *numbers.IDENTITY) == -7


def test_fin__beyond_the_limits__clamps_after_the_zero_point():
    assert [numbers.fin(v, 5, -10, 10) for v in (-20, 4, 5, 6)] == [-10, 9, 10, 10]


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_isqrt__any_number__is_the_floor_of_the_root(v):
    root = numbers.isqrt(v)

    assert root == 0 if v < 0 else root**2 <= v < (root + 1) ** 2


@given(st.floats(2.0**-32, 2.0**30, exclude_max=True))
def test_multiplier__a_scale__is_within_half_a_unit_and_in_range(scale):
    m, s = numbers.multiplier(scale)

    assert 1 << 30 <= m < 1 << 31
    assert 0 <= s <= numbers.MAX_SHIFT
    assert abs(Fraction(m, 1 << s) - Fraction(scale)) * (1 << s) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 30)),
        (0.75, (3 << 29, 31)),
        (1 - 2.0**-40, (1 << 30, 30)),  # m would be 2^31
        (2.0**-32, (1 << 30, 62)),
    ],
    ids=str,
)
def test_multiplier__known_scales__give_known_integers(scale, expected):
    assert numbers.multiplier(scale) == expected


@pytest.mark.parametrize("scale", [-1.0, 2.0**30, 2.0**-33, math.inf, math.nan])
def test_multiplier__out_of_range__is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        numbers.multiplier(scale)
