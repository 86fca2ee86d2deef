"""The economy's simulation: its outcomes are the worker's, its closed forms what lots drawn say,
docs/economics.md what it printed.

tests/contracts/rewards/test_formulae.py holds its money against the contracts.
"""

import json
import re
from dataclasses import replace
from itertools import product

import _society
import numpy as np
import pytest
from _honesty import (
    Stakes,
    binomial,
    lazy_gain,
    lazy_share,
    pact_gain,
    pact_prize,
    provable_gain,
    provable_prize,
    rule_p3,
)
from _lanes import COLLUDER, HONEST, LAZY, Habits, Tally, provable, replicated
from _money import TOKEN
from _seats import NOBODY, is_contested, judge, seat
from _society import Society
from _wash import random_plan, scaled, wash
from economy import NETWORK, POLICIES, provable_terms, show, stakes_of, work_of

from scripts._params import load
from tests.conftest import ROOT
from worker.protocol.outcome import Openings, settle
from worker.protocol.provable_words import bond_needed
from worker.protocol.words import GWEI, OnDissent, Terms

PARAMS = load(NETWORK)
STAKES = Stakes(fee=0.01, burn=0.5, rate=0.5, run=0.6, bond=2)
SEATS = (3, 5)
BATCHES = 20_000
OPERATORS = 100


def terms(seats: int, dissent: OnDissent) -> Terms:
    return replace(provable_terms(0), seats=seats, max_seats=7, bond=10**9, on_dissent=dissent)


@pytest.mark.parametrize("seats", [2, 3, 5])
def test_judge__any_answers__the_worker_decides_the_same(seats):
    for answers in product(range(3), repeat=seats):
        opened = {place: {0: bytes([answer + 2]) * 32} for place, answer in enumerate(answers)}
        batch = Openings(seats, 0, 1, TOKEN, True, (1 << seats) - 1, opened)
        found = settle(terms(seats, OnDissent.SETTLE), batch)
        judged = judge(np.array([answers]))
        paid = [bool(one.paid) for one in found.seats.values()]
        assert judged.paid[0].tolist() == paid, answers
        fees = [0 < one.burnt < 10**9 for one in found.seats.values()]
        assert judged.contested[0].tolist() == fees, answers
        burnt = [one.burnt == 10**9 for one in found.seats.values()]
        assert judged.burnt[0].tolist() == burnt, answers
        grown = settle(terms(seats, OnDissent.ESCALATE), batch).contested
        assert is_contested(np.array([answers]))[0] == bool(grown)


def test_seat__weights_and_taken__by_weight_and_nobody_twice():
    chance = np.random.default_rng(1)
    weights = np.array([100] * 20 + [400] * 20 + [0], np.uint64)
    taken = np.tile([0, 39], (5_000, 1))
    found = seat(chance, weights, 5_000, 3, taken)
    found = found[found[:, 0] != NOBODY]
    assert len(found) > 4_900
    assert all(len(set(row)) == 3 for row in found.tolist())
    won = np.bincount(found.ravel(), minlength=41)
    assert won[0] == won[39] == won[40] == 0
    assert won[20:39].mean() / won[1:20].mean() == pytest.approx(4, rel=0.1)


def test_seat__too_few__nobody():
    found = seat(
        np.random.default_rng(1), np.array([5, 5, 0], np.uint64), 10, 3, np.empty((10, 0), int)
    )
    assert (found == NOBODY).all()


def crowd(kind: int, share: float) -> np.ndarray:
    """Return the strategies of equal operators, so many of one kind."""
    return np.where(np.arange(OPERATORS) < share * OPERATORS, kind, HONEST)


def gained(tally: Tally, of_kind: np.ndarray, stakes: Stakes) -> float:
    """Return what the operators of a kind gained a seat."""
    lost = tally.burnt + tally.convicted
    total = tally.paid * stakes.paid - tally.runs * stakes.run - lost * stakes.bond
    return total[of_kind].sum() / tally.seats[of_kind].sum()


@pytest.mark.parametrize("seats", [(3, 5), (3, 7), (5, 7)])
@pytest.mark.parametrize("share", [0.2, 0.45])
def test_lazy_gain__by_lots__the_closed_form(seats, share):
    kinds, weights = crowd(LAZY, share), np.full(OPERATORS, 1_000, np.uint64)
    tally = replicated(np.random.default_rng(2), weights, kinds, BATCHES // 2, seats, Habits())
    difference = gained(tally, kinds == LAZY, STAKES) - gained(tally, kinds == HONEST, STAKES)
    # Seats of a growth round count as seats too; the closed form is of a first seat.
    assert (difference < 0) == (lazy_gain(STAKES, seats, share) < 0)


@pytest.mark.parametrize("seats", [(3, 5), (3, 7)])
@pytest.mark.parametrize(("least", "share"), [(1, 0.3), (2, 0.3), (3, 0.6)])
def test_pact_gain__by_lots__the_closed_form(seats, least, share):
    """What a coalition gains a batch by lying with so many seats or more, over never lying."""
    kinds = np.where(np.arange(1_000) < 1_000 * share, COLLUDER, HONEST)
    weights, ours = np.full(1_000, 1_000, np.uint64), kinds == COLLUDER
    gains = []
    for habits in (Habits(pact_from=least), Habits(pact_from=9)):
        tally = replicated(np.random.default_rng(3), weights, kinds, 6_000, seats, habits)
        gains.append(
            tally.paid[ours].sum() * STAKES.paid
            - tally.burnt[ours].sum() * STAKES.bond
            - tally.runs[ours].sum() * STAKES.run
        )
    expected = sum(
        binomial(3, held, share) * pact_gain(STAKES, seats, held, share) for held in range(least, 4)
    )
    assert (gains[0] - gains[1]) / 6_000 == pytest.approx(expected, abs=0.07)


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("audit", [0.05, 0.25])
def test_provable_gain__by_lots__the_closed_form(share, audit):
    stakes = replace(STAKES, bond=rule_p3(audit, 0.2))
    weights, kinds = np.full(OPERATORS, 1_000, np.uint64), crowd(COLLUDER, share)
    gains = []
    for lies in (True, False):
        habits = Habits(pact_provable=lies)
        tally = provable(np.random.default_rng(4), weights, kinds, 3 * BATCHES, audit, habits)
        ours = kinds == COLLUDER
        bonds = (tally.convicted[ours].sum()) * stakes.bond
        paid = tally.paid[ours].sum() * stakes.paid - tally.runs[ours].sum() * stakes.run
        gains.append((paid - bonds) / (3 * BATCHES * share))
    expected = provable_gain(stakes, audit, share)
    error = stakes.bond * (audit / (3 * BATCHES * share)) ** 0.5
    assert gains[0] - gains[1] == pytest.approx(expected, abs=5 * error)


def test_prizes__at_the_edge__nothing_is_gained():
    prize = provable_prize(STAKES, 0.1, 0.3)
    assert provable_gain(STAKES, 0.1, 0.3, prize) == pytest.approx(0)
    assert pact_gain(STAKES, SEATS, 2, 0.3, pact_prize(STAKES, SEATS, 0.3)) == pytest.approx(0)
    assert lazy_gain(STAKES, SEATS, lazy_share(STAKES, SEATS)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("audit_bps", [100, 500, 2_500, 10_000])
def test_rule_p3__audits__the_workers_bond(audit_bps):
    bond = bond_needed(provable_terms(audit_bps), PARAMS.provable.capture_bps, 0)
    assert bond / GWEI == pytest.approx(rule_p3(audit_bps / 10_000, 0.2), rel=1e-9)


@pytest.mark.parametrize("rates", [(100, 5_000, 5_000), (1_000, 10_000, 9_000), (1, 1, 9_000)])
def test_wash__any_plan_within_the_bounds__never_gains(rates):
    chance = np.random.default_rng(5)
    for _ in range(80):
        plan = random_plan(chance, 10**12)
        outcome = wash(plan, *rates)
        assert outcome.lost >= 0
        assert outcome.minted * 10_000 <= outcome.burnt * rates[2]
        volume = outcome.volume - outcome.burnt - outcome.treasury + outcome.minted
        assert sum(outcome.owners.values()) + sum(outcome.pools.values()) == volume
    assert wash(scaled(plan, 10**21), 100, 0, 0).lost == pytest.approx(10**19, rel=1e-6)


def test_society__some_weeks__stakes_and_emission_add_up(monkeypatch):
    monkeypatch.setattr(_society, "WEEKS", 3)
    monkeypatch.setattr(_society, "BATCHES", 200)
    habits = POLICIES["with two of three"]
    society = Society(PARAMS, work_of(PARAMS), habits, np.random.default_rng(6))
    society.live()
    books = society.books
    for operator, began in enumerate(society.began):
        assert society.own[operator] == began - books.slashes[operator] // GWEI
    lazy = [one for one in range(_society.OPERATORS) if society.kinds[one] == LAZY]
    assert all(books.profit(one) <= 0 for one in lazy)
    assert sum(books.profit(one) for one in np.flatnonzero(society.kinds == HONEST)) > 0
    fees = 3 * 200 * 6 * TOKEN * PARAMS.escrow.fee_bps // 10_000
    assert 0 < sum(books.emission) <= fees * 0.25
    assert stakes_of(PARAMS, 1).paid == pytest.approx(0.9925)


def test_docs__tables__are_those_of_the_result(capsys):
    result = json.loads((ROOT / "bench" / "results" / "economy.json").read_text())
    document = (ROOT / "docs" / "economics.md").read_text()
    show(result)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(lines) > 60
    assert [line for line in lines if line not in document] == []
    assert result["parameters"] == PARAMS.model_dump(), "run `make bench-economy` again"


def test_docs__parameters__are_the_shipped_ones():
    document = (ROOT / "docs" / "economics.md").read_text()
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| ([\d,]+) \| ([\d,]+) \|$", document, re.MULTILINE)
    networks = [load(name).model_dump() for name in ("sepolia", "local")]
    assert len(rows) > 10
    for room, name, *values in rows:
        assert [int(value.replace(",", "")) for value in values] == [
            network[room][name] for network in networks
        ], name
