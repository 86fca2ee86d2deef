"""`proofmesh market`: tables and data, and what may be wrong with the words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worker.cli.conftest import Run
from tests.worker.client.test_cloud import FILE, MARKET
from worker.cli.exits import Exit
from worker.client import AsyncClient
from worker.client.market import Spread
from worker.client.market_rounds import Fill

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def markets(monkeypatch: pytest.MonkeyPatch) -> None:
    """One market, in place of what a network would tell."""
    prices, waits = Spread.of([10**18, 3 * 10**18]), Spread.of([2, 40])
    one = {**vars(MARKET), "price": prices, "seconds": waits, "rounds": {Fill.FILLED: 2}}

    async def told(*_: object) -> list:
        return [type(MARKET)(**one)]

    monkeypatch.setattr(AsyncClient, "market", told)


def test_market__nothing_happened__says_so(run: Run) -> None:
    shown = run("market", "-o", "json")
    assert (shown.code, shown.data) == (Exit.OK, [])
    assert "no such job was posted in that time" in shown.err


def test_market__with_prices_elsewhere__two_tables(run: Run, markets: None, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(FILE)
    table = run("market", "--cloud", file).out
    assert "filled 2" in table
    assert "one task, in EUR" in table
    assert "four cores" in table and "0.0001" in table and "10000" in table
    assert "one GPU" not in table  # there is no market of its lane


def test_market__as_data__whole(run: Run, markets: None, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(FILE)
    (row,) = run("market", "--cloud", file, "-o", "json").data
    assert row["price"] == {"low": "1", "median": "1", "nine_in_ten": "3", "high": "3"}
    assert row["seconds_to_fill"]["nine_in_ten"] == 40
    assert (row["market"], row["fills_from"]) == ("ReplicatedJobs", None)
    assert row["elsewhere"] == [
        {
            **{"market": "ReplicatedJobs", "machine": "four cores", "currency": "EUR"},
            **{"there": "0.0001", "here": "1.00", "times": "10000"},
        }
    ]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--last", "soon"), Exit.USAGE, "is not a duration"),
        (("--program", "12"), Exit.USAGE, "'12' is not 64 hexadecimal digits"),
        (("--program", "zz" * 32), Exit.USAGE, "is not 64 hexadecimal digits"),
        (("--cloud", "nowhere.yaml"), Exit.USAGE, "nowhere.yaml: No such file"),
    ],
)
def test_market__wrong_words__says_what(
    run: Run, settings: Callable[..., None], words: tuple[str, ...], code: int, told: str
) -> None:
    shown = run("market", *words)
    assert (shown.code, told in shown.err) == (code, True), shown.err
