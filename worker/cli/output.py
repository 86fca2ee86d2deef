"""What commands print: tables for people, JSON and YAML for programs, ids alone with -q."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

FORMATS = ("table", "json", "yaml")
_PIPED_WIDTH = 160


@dataclass(frozen=True)
class Output:
    """Where results go. People's remarks go to stderr, so that results can be piped."""

    form: str = "table"
    quiet: bool = False

    def rows(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Sequence[str],
        key: str,
        title: str = "",
    ) -> None:
        """Print a list: `columns` of each row as a table, whole rows as data, `key` when quiet."""
        if self.quiet:
            for row in rows:
                click.echo(row[key])
        elif self.form == "table":
            self._table(rows, columns, key, title)
        else:
            self._data([dict(row) for row in rows])

    def record(self, record: Mapping[str, Any], *, key: str) -> None:
        """Print one thing: name and value a line, or as data, or `key`'s value when quiet."""
        if self.quiet:
            click.echo(record[key])
        elif self.form == "table":
            width = max(map(len, record), default=0)
            for name, value in record.items():
                click.echo(f"{name.replace('_', ' '):<{width}}  {_text(value)}")
        else:
            self._data(dict(record))

    def note(self, text: str) -> None:
        """Say something to the person, unless quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    @property
    def is_interactive(self) -> bool:
        """Whether a person watches."""
        return self.form == "table" and not self.quiet and console().is_terminal

    @property
    def moves(self) -> bool:
        """Whether pictures may move: on a terminal that can, unless NO_COLOR asks for plainness."""
        screen = console()
        return self.is_interactive and not screen.no_color and not screen.is_dumb_terminal

    def _table(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], key: str, title: str
    ) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left")
        for column in columns:
            table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column == key)
        for row in rows:
            table.add_row(*(Text(_text(row.get(column))) for column in columns))
        console().print(table)

    def _data(self, value: Any) -> None:
        if self.form == "json":
            click.echo(json.dumps(value, indent=2, default=str))
        else:
            import yaml

            click.echo(yaml.safe_dump(json.loads(json.dumps(value, default=str))), nl=False)


def console() -> "Console":
    """Return rich's console on stdout; it honours NO_COLOR. Where nobody looks lines are long."""
    from rich.console import Console

    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-o` and `-q`; it receives an `Output` as `out`."""
    return _with_output(command, ("-o", "--output"))


def long_output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `--output` and `-q` to a command whose `-o` is a file that it writes."""
    return _with_output(command, ("--output",))


def _with_output(command: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    @click.option(*names, "form", type=click.Choice(FORMATS), default="table",
                  show_default=True, help="How to print.")  # fmt: skip
    @click.option("-q", "--quiet", is_flag=True, help="Print the id alone.")
    @wraps(command)
    def wrapper(*args: Any, form: str, quiet: bool, **kwargs: Any) -> Any:
        return command(*args, out=Output(form, quiet), **kwargs)

    return wrapper


def _text(value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}".replace("_", " ") for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "-"
    return str(value)
