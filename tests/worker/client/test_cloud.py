"""What machines cost elsewhere: the person's file, and the sums."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from worker.client.cloud import compare, load_prices
from worker.client.lane import Lane
from worker.client.market import Market, Spread
from worker.errors import UsageError

FILE = """
currency: EUR
tokens: {0: 0.25, 3: 1}
machines:
  - {name: four cores, lane: ReplicatedJobs, per_hour: 0.18, task_seconds: 2}
  - {name: one GPU, lane: ProvableJobs, per_hour: "3.6", task_seconds: 0.5}
"""
COST = Spread.of([4 * 10**18])
MARKET = Market(
    **{"lane": Lane.REPLICATED, "token": 0, "capability": None, "jobs": 1, "rounds": Counter()},
    **{"price": COST, "cost": COST, "fills_from": None, "seconds": None, "tasks": Counter()},
    **{"seats": 0, "punished": 0},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(FILE)
    return path


def test_compare__lanes_and_tokens__each_with_its_own(file):
    markets = [
        MARKET,
        replace(MARKET, lane=Lane.PROVABLE, token=3),
        replace(MARKET, capability="gpu"),
        replace(MARKET, token=1),
    ]
    first, second = compare(markets, load_prices(file))
    assert (first.market, first.machine) == (MARKET, "four cores")
    assert (first.there, first.here) == (Decimal("0.0001"), Decimal(1))
    assert first.times == 10_000
    assert (second.machine, second.there, second.here) == ("one GPU", Decimal("0.0005"), Decimal(4))


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("currency: EUR", "", "currency", "required"),
        ("EUR", "a b", "currency", "match"),
        ("0.25", "cheap", "tokens.0", "is not a number, such as 0.17"),
        ("0.25", "0", "tokens.0", "is not a number above 0"),
        ("0.25", "nan", "tokens.0", "is not a number above 0"),
        ("0: 0.25", "x: 0.25", "tokens.x", "integer"),
        ("0: 0.25", "70000: 0.25", "tokens.70000", "less than"),
        ("0.18", "-1", "machines[0].per_hour", "is not a number above 0"),
        ("lane: ReplicatedJobs", "lane: Other", "machines[0].lane", "ReplicatedJobs"),
        ("task_seconds: 2", "seconds: 2", "machines[0].task_seconds", "required"),
        ("task_seconds: 2", "task_seconds: 2, x: 1", "machines[0].x", "no such field in a file"),
        ("four cores", '""', "machines[0].name", "at least 1"),
        ("tokens: {0: 0.25, 3: 1}", "tokens: [1]", "tokens", "object"),
        ("machines:", "machines: []\nx:", "machines", "at least 1"),
    ],
)
def test_load_prices__wrong__names_the_field(file, old, new, path, words):
    file.write_text(FILE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_prices(file)
    assert str(caught.value).startswith(f"{file}: {path}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path"), [("a: [", "line 1, column 5"), ("3", "document"), ("", "document")]
)
def test_load_prices__no_mapping__says_so(file, text, path):
    file.write_text(text)
    with pytest.raises(UsageError, match=f"{file}: {path}: "):
        load_prices(file)


def test_load_prices__no_file__names_it(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.yaml: No such file"):
        load_prices(tmp_path / "nowhere.yaml")
