"""Output: the same facts as a table, JSON, YAML, or ids alone."""

import json

import click
import pytest
import yaml
from click.testing import CliRunner

from worker.cli.output import Output, output_options

ROWS = [{"id": "a1", "state": "final", "paid": 5}, {"id": "b2", "state": None, "paid": 0}]


@click.command()
@output_options
def listing(out: Output) -> None:
    out.rows(ROWS, columns=["id", "state"], key="id")


@click.command()
@output_options
def one(out: Output) -> None:
    out.record(ROWS[0], key="id")


@pytest.mark.parametrize(("form", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_rows__as_data__are_whole(form: str, parse: object) -> None:
    shown = CliRunner().invoke(listing, ["-o", form]).output
    assert parse(shown) == ROWS  # type: ignore[operator]


def test_rows__quiet__are_ids() -> None:
    assert CliRunner().invoke(listing, ["-q"]).output == "a1\nb2\n"


def test_rows__table__has_columns_and_dashes_for_nothing() -> None:
    shown = CliRunner().invoke(listing).output
    assert "id" in shown
    assert "paid" not in shown
    assert [line.split() for line in shown.splitlines() if "b2" in line] == [["b2", "-"]]


def test_record__table__is_a_line_a_field() -> None:
    assert CliRunner().invoke(one).output == "id     a1\nstate  final\npaid   5\n"


def test_unknown_format__given__is_a_usage_error() -> None:
    assert CliRunner().invoke(one, ["-o", "xml"]).exit_code == 2


@click.command()
@output_options
def nested(out: Output) -> None:
    out.record({"chain": {"head": 7, "is_late": False}, "seats": {}, "jobs": [1, 2]}, key="seats")


def test_record__groups_of_values__are_words() -> None:
    shown = CliRunner().invoke(nested).output
    assert shown == "chain  head 7, is late no\nseats  -\njobs   1, 2\n"
