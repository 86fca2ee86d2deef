"""The simulations' sortition is the protocol's, and their capture table the exact one."""

import numpy as np
import pytest
from _capture_trials import Races, captured
from _sortition import FACTORS, NEVER, draw, edges, stakes, thirds, thresholds
from capture import capture

from worker.protocol.sortition import eligible_from, is_eligible, ticket
from worker.protocol.words import Clock

SEED = 12_345


def _clock(window: int) -> Clock:
    return Clock(0, window, window, window)


def test_thirds__tickets_of_the_protocol__same_moment() -> None:
    chance = np.random.default_rng(SEED)
    weights = np.minimum(stakes(chance, 200, 1_000), np.uint64(10**6))
    total, window = int(weights.sum()), 3_000
    drawn = [ticket(SEED, b"k" * 32, 0, number) for number in range(200)]
    upper = np.array([one >> 64 for one in drawn], np.uint64)
    for seats in (1, 3, 7):
        found = thirds(upper, edges(weights, total, seats))
        for one, weight, third in zip(drawn, weights, found, strict=True):
            moment = eligible_from(one, _clock(window), seats, int(weight), total)
            expected = NEVER if moment is None else moment * 3 // window
            assert third == expected


@pytest.mark.parametrize("total", [1, 13, 10**6, 2**56 - 1])
def test_thresholds__at_the_edge__the_rule_agrees_on_both_sides(total: int) -> None:
    for weight in (1, 12, 10**6, 2**32 - 1):
        for factor in FACTORS:
            edge = int(thresholds(np.array([weight], np.uint64), total, factor * 7)[0])
            if edge == 2**64 - 1:
                assert is_eligible(2**128 - 1, factor, 7, weight, total)
                continue
            if edge:
                assert is_eligible((edge << 64) - 1, factor, 7, weight, total)
            assert not is_eligible((edge + 1) << 64, factor, 7, weight, total)


def test_draw__heavy_tails__a_fifth_holds_most() -> None:
    held = np.sort(stakes(np.random.default_rng(SEED), 100_000, 1_000).astype(float))
    assert 0.6 < held[-20_000:].sum() / held.sum() < 0.95
    assert draw(np.random.default_rng(SEED), 2, 3).shape == (2, 3)


@pytest.mark.parametrize(("seats", "grown"), [(3, 3), (2, 5), (3, 7)])
def test_captured__fair_races__the_exact_table(seats: int, grown: int) -> None:
    chance = np.random.default_rng(SEED)
    for share in (0.2, 0.45):
        trials = 5_000
        found = captured(chance, trials, seats, grown, share, Races.FAIR)
        exact = capture(seats, grown, share)
        assert abs(found - exact) < 5 * np.sqrt(exact * (1 - exact) / trials) + 0.003
