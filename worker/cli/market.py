"""`proofmesh market`: what work cost lately, how soon it found operators, how it ended."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import Duration, Key, open_client, run, settings_option

if TYPE_CHECKING:
    from decimal import Decimal

    from worker.client.cloud import Comparison
    from worker.client.market import Market, Spread
    from worker.config import Config

_COLUMNS = (
    *("market", "jobs", "rounds", "price", "fills_from", "seconds_to_fill", "tasks"),
    *("seats", "punished"),
)
_COMPARED = ("market", "machine", "there", "here", "times")


@click.command()
@click.option("--last", type=Duration(), default="7d", show_default=True,
              help="Of jobs posted in this time.")  # fmt: skip
@click.option("--program", type=Key(), help="Only of jobs of this program.")
@click.option("--cloud", type=click.Path(path_type=Path, dir_okay=False),
              help="A file of what machines cost elsewhere, to compare with.")  # fmt: skip
@settings_option
@output_options
def market(
    config: "Config", last: int, program: bytes | None, cloud: Path | None, out: Output
) -> None:
    """Show recent prices, times to fill and failures, by lane, token and capability.

    Prices are whole tokens per task and seat. A capability's rows tell of the rounds in which
    operators that announce it took a seat, and of their seats alone. Tasks differ: --program tells
    of work that is alike.
    """
    from worker.client.cloud import compare, load_prices
    from worker.types import Seconds

    prices = None if cloud is None else load_prices(cloud)

    async def work() -> "list[Market]":
        async with open_client(config) as client:
            return await client.market(Seconds(last), program)

    markets = run(work())
    if not markets:
        out.note("no such job was posted in that time")
    compared = [] if prices is None else compare(markets, prices)
    _print(markets, compared, "" if prices is None else prices.currency, out)


def _print(
    markets: "Sequence[Market]", compared: "Sequence[Comparison]", currency: str, out: Output
) -> None:
    elsewhere = [_compared_row(one, currency) for one in compared]
    rows = [
        _row(one) | {"elsewhere": [row for row in elsewhere if row["market"] == _name(one)]}
        for one in markets
    ]
    out.rows(rows, columns=_COLUMNS, key="market")
    if elsewhere and out.form == "table" and not out.quiet:
        title = f"one task, in {currency}"
        out.rows(elsewhere, columns=_COMPARED, key="market", title=title)


def _name(one: "Market") -> str:
    """Return a market in a word: its lane, the token's index if it is not the network's, and the
    capability."""
    parts = [one.lane, f"token {one.token}" if one.token else "", one.capability or ""]
    return " ".join(part for part in parts if part)


def _row(one: "Market") -> dict[str, Any]:
    from worker.client.wallet import as_tokens

    return {
        "market": _name(one),
        "lane": str(one.lane),
        "token": one.token,
        "capability": one.capability,
        "jobs": one.jobs,
        "rounds": {str(fill): count for fill, count in one.rounds.items() if count},
        "price": _tokens(one.price),
        "cost_per_task": _tokens(one.cost),
        "fills_from": None if one.fills_from is None else as_tokens(one.fills_from),
        "seconds_to_fill": None if one.seconds is None else _values(one.seconds),
        "tasks": {str(state): count for state, count in one.tasks.items() if count},
        "seats": one.seats,
        "punished": one.punished,
    }


def _values(spread: "Spread") -> dict[str, int]:
    return {name: getattr(spread, name) for name in ("low", "median", "nine_in_ten", "high")}


def _tokens(spread: "Spread") -> dict[str, str]:
    from worker.client.wallet import as_tokens

    return {name: as_tokens(value) for name, value in _values(spread).items()}


def _compared_row(one: "Comparison", currency: str) -> dict[str, str]:
    return {
        "market": _name(one.market),
        "machine": one.machine,
        "currency": currency,
        "there": _short(one.there),
        "here": _short(one.here),
        "times": _short(one.times),
    }


def _short(number: "Decimal") -> str:
    """Return a number rounded to four digits."""
    from decimal import Decimal

    return f"{Decimal(f'{number:.4g}'):f}"
