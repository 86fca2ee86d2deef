"""Each idea of quantisation by itself."""

import numpy as np
import pytest

from worker.errors import UsageError
from worker.tensor.numbers import rq
from worker.tensor.quantise.balance import balance
from worker.tensor.quantise.clip import best_affine, best_symmetric
from worker.tensor.quantise.gptq import gptq
from worker.tensor.quantise.groups import grouped
from worker.tensor.quantise.linear import pack
from worker.tensor.quantise.norms import affine_rows, epsilon_term
from worker.tensor.quantise.observe import Moments, Range
from worker.tensor.quantise.scale import Scale, affine, symmetric
from worker.tensor.quantise.smoothing import smooth
from worker.tensor.quantise.softmax import STEP, exp_table, exp_tables, share, to_steps
from worker.tensor.quantise.tables import table
from worker.tensor.quantise.weights import round_to, search_scales
from worker.tensor.tensors import DType


def _correlated(rows: int, cols: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 6)) @ rng.normal(size=(6, cols)) + 0.1 * rng.normal(
        size=(rows, cols)
    )


@pytest.mark.parametrize("scale", [affine(DType.I8, -1.5, 4.0), symmetric(DType.I16, 3.0)])
def test_scale__there_and_back__within_half_a_step(scale):
    x = np.linspace(-1.5, 3.0, 1001)
    assert np.abs(scale.real(scale.quantise(x)) - x).max() <= scale.scale * 0.5001


def test_affine__any_range__holds_zero_exactly():
    for low, high in ((0.5, 3.0), (-3.0, -0.5), (0.0, 0.0)):
        scale = affine(DType.I8, low, high)
        assert scale.real(scale.quantise(np.zeros(1)))[0] == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scale__range_is_not_finite__usage_error(bad):
    with pytest.raises(UsageError, match="not finite"):
        symmetric(DType.I8, bad)
    with pytest.raises(UsageError, match="not finite"):
        affine(DType.I8, 0.0, bad)


def test_fin__bounds__are_integers_of_the_scale():
    fin = affine(DType.I8, -1.0, 1.0).fin(0.0, np.inf)
    assert fin.lo == fin.zp
    assert fin.hi is None


def test_best_affine__one_outlier__is_cut_off():
    sample = np.append(np.random.default_rng(0).normal(size=20_000), 8.0)
    chosen = best_affine(sample)
    assert chosen.scale < affine(DType.I8, sample.min(), 8.0).scale


def test_best_affine__flat_function_after__range_ends_where_it_is_flat():
    sample = np.random.default_rng(0).uniform(-10, 4, 20_000)
    chosen = best_affine(sample, lambda x: np.maximum(x, 0.0))
    assert chosen.real(np.array([-128]))[0] > -4


def test_best_affine__small_integers__stay_themselves():
    assert best_affine(np.arange(17.0)) == Scale(DType.I8, 1.0)


def test_best_symmetric__any_sample__has_no_zero_point():
    assert best_symmetric(np.random.default_rng(0).normal(1, 1, 1000)).zero == 0


def test_search_scales__dead_row__keeps_the_least_scale():
    w = np.vstack([np.zeros(8), np.ones(8)])
    assert search_scales(w, np.ones(8), np.array([0.25, 1e-9]))[0] == 0.25


def test_gptq__correlated_inputs__nearer_than_rounding():
    x = _correlated(500, 24)
    w = np.random.default_rng(1).normal(size=(10, 24))
    curvature = x.T @ x / len(x)
    chosen = gptq(w, curvature, np.full(10, 0.05))  # a coarse step, so that rounding shows
    rounded = round_to(w, chosen.scale[:, None]) * chosen.scale[:, None]
    errors = [np.square(x @ (w - q).T).mean() for q in (chosen.q * chosen.scale[:, None], rounded)]
    assert errors[0] < 0.5 * errors[1]


def test_pack__mean_of_the_error__is_in_the_bias():
    rng = np.random.default_rng(2)
    x = _correlated(400, 16) + 3.0
    w, bias = rng.normal(size=(6, 16)), rng.normal(size=6)
    scale, out = affine(DType.I8, x.min(), x.max()), 0.01
    seen = Moments()
    seen.add(x)
    packed = pack(w, bias, seen, scale, np.array(out))
    q = scale.quantise(x).astype(np.int64)
    sums = q @ packed.w.T.astype(np.int64) + packed.b
    y = rq(sums, packed.m.astype(np.int64), packed.s.astype(np.int64)) * out
    error = y - (x @ w.T + bias)
    assert np.abs(error.mean(0)).max() < 2 * out
    assert np.sqrt(np.square(error).mean()) < 1.5 * scale.scale  # of rounding x


def test_range__many_batches__sample_holds_the_extremes():
    seen = Range()
    for i in range(40):
        seen.add("x", np.random.default_rng(i).normal(size=9000))
    assert {seen.low, seen.high} <= set(seen.sample())


def test_smooth__one_large_column__columns_get_alike():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 12))
    x[:, 3] = 40 * x[:, 3] + 100
    columns = smooth(x, rng.normal(size=(8, 12)))
    integers = columns.integers(x)
    assert np.abs(integers).max() <= 128
    reach = np.abs(integers).max(0)
    assert reach.min() > 20  # undone, the others would reach 127 / 40
    np.testing.assert_allclose(columns.centre + integers * columns.unit, x, atol=1e-9)


def test_balance__any_channels__one_product_and_no_overflow():
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 300, 8)) * rng.uniform(0.1, 10, (2, 1, 8))
    scales = balance(q, k)
    np.testing.assert_allclose(scales.q * scales.k, scales.product)
    assert max(np.abs(q / scales.q).max(), np.abs(k / scales.k).max()) <= 127.001


@pytest.mark.parametrize("count", [1, 2, 3])
def test_grouped__small_case__is_the_cheapest_of_all_cuts(count):
    from itertools import combinations

    reach = np.array([5.0, 1.0, 1.1, 9.0, 0.9, 5.2, 1.3])

    def cost(groups):
        return sum(len(g) * max(reach[list(g)]) ** 2 for g in groups)

    order = np.argsort(reach)
    cuts = combinations(range(1, len(reach)), count - 1)
    best = min(cost(np.split(order, cut)) for cut in cuts)
    groups = grouped(reach, count)
    assert cost(groups) == pytest.approx(best)
    assert sorted(np.concatenate(groups)) == list(range(7))


def test_exp__tables__are_powers_and_end_in_nothing():
    one, (high, low) = exp_table(STEP), exp_tables(STEP)
    assert one[0, 0] == high[0, 0] == low[0, 0] == 0
    powers = np.exp(np.arange(-254, 1) * STEP)
    np.testing.assert_allclose(one[0, 1:] / 127, powers, atol=0.5 / 127)
    fine = high[0, 1:].astype(int) * 128 + low[0, 1:]
    np.testing.assert_allclose(fine / 16383, powers, atol=0.51 / 16383)


def test_share__division__is_near():
    for ratio in (0.3, 1.0, 240.0):
        by = share(ratio)
        for total in (127, 1000, 127 * 64):
            value = rq(100 * min(by.c // total, by.fin.hi), *by.by)
            assert value == pytest.approx(100 * ratio / total, abs=0.51)


def test_to_steps__difference__in_steps_of_the_exponent():
    factor, s = to_steps(0.001, STEP)
    assert (-5000 * factor) / 2**s == pytest.approx(-5.0 / STEP)


def test_table__function__between_two_scales():
    x, y = affine(DType.I8, -2.0, 2.0), symmetric(DType.I16, 4.1)
    entries = table(np.square, x, y)
    reals = x.real(np.arange(-128, 128))
    np.testing.assert_allclose(y.real(entries[0]), reals**2, atol=y.scale)


def test_affine_rows__norm__within_a_step():
    rng = np.random.default_rng(0)
    gamma, beta, out = rng.normal(size=9), rng.normal(size=9), symmetric(DType.I16, 8.0)
    rows = affine_rows(gamma, beta, out)
    normal = rng.normal(size=(50, 9))
    n = np.rint(normal * 256).astype(np.int64)
    got = rq(n * rows[0] + rows[1], *rows[2]) * out.scale
    np.testing.assert_allclose(got, n / 256 * gamma + beta, atol=2e-3)


def test_epsilon_term__squared_integers__of_the_whole_row():
    assert epsilon_term(1e-6, 100, Scale(DType.I16, 0.001)) == 10_000
