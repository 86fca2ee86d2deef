"""Turns `tasks` of a job file into rows: what each task's placeholders stand for."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from worker.client.fields import Tasks
from worker.errors import SpecError
from worker.protocol.manifest import MAX_TASKS, GuestPath

MAX_TABLE_BYTES = 256 << 20
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_GUEST_PATH: TypeAdapter[str] = TypeAdapter(GuestPath)


@dataclass(frozen=True)
class Row:
    """One task: its placeholders' values, and the file that it was made for, guest to local."""

    values: dict[str, str]
    files: dict[str, str]


def expand(tasks: Tasks, folder: Path) -> list[Row]:
    """Return a row for each task, in order. Raises SpecError."""
    if tasks.range is not None:
        rows = [Row({"value": str(value)}, {}) for value in tasks.range.values()]
    elif tasks.files is not None:
        rows = _rows_of_files(tasks.files, folder)
    else:
        rows = _rows_of_table(local_path("tasks.table", tasks.table or "", folder))
    return [Row({"index": str(index), **row.values}, row.files) for index, row in enumerate(rows)]


def local_path(field: str, value: str, folder: Path) -> Path:
    """Return an existing file under `folder`. Raises SpecError at `field`.

    Inputs become public, so a job file from somebody else must not reach into the rest of the disk.
    """
    root = folder.resolve()
    path = (root / value).resolve()
    if not path.is_relative_to(root):
        raise SpecError(field, f'"{value}" leaves the folder of the job file')
    if not path.is_file():
        raise SpecError(field, f'no file "{value}" in {folder}')
    return path


def _rows_of_files(pattern: str, folder: Path) -> list[Row]:
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise SpecError("tasks.files", "the glob must stay in the folder of the job file")
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise SpecError("tasks.files", f'"{pattern}" is not a glob: {error}') from error
    if not 1 <= len(found) <= MAX_TASKS:
        raise SpecError("tasks.files", f'"{pattern}" matches {len(found)} files in {folder}')
    rows: dict[str, Row] = {}
    for path in found:
        if path.name in rows:
            raise SpecError("tasks.files", f'two files are named "{path.name}"')
        try:
            guest = _GUEST_PATH.validate_python(path.name)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise SpecError("tasks.files", f'"{path.name}": {message}') from error
        local = path.relative_to(folder).as_posix()
        rows[path.name] = Row({"file": f"/in/{guest}"}, {guest: local})
    return list(rows.values())


def _rows_of_table(path: Path) -> list[Row]:
    readers: dict[str, Callable[[str], list[dict[str, str]]]] = {
        ".csv": _read_csv,
        ".json": _read_json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SpecError("tasks.table", "must be a .csv or a .json file")
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise SpecError("tasks.table", f"larger than {MAX_TABLE_BYTES} bytes")
    try:
        rows = reader(path.read_text(encoding="utf-8-sig"))
    except (csv.Error, ValueError, RecursionError) as error:  # ValueError: not text, not JSON
        raise SpecError("tasks.table", f"cannot be read: {error}") from error
    if not 1 <= len(rows) <= MAX_TASKS:
        raise SpecError("tasks.table", f"has {len(rows)} rows; a job has 1 to {MAX_TASKS} tasks")
    return [Row(row, {}) for row in rows]


def _read_csv(text: str) -> list[dict[str, str]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(lines, [])
    _check_columns(header)
    rows = []
    for cells in lines:
        if not cells:
            continue  # an empty line
        if len(cells) != len(header):
            raise SpecError(
                "tasks.table",
                f"line {lines.line_num}: {len(cells)} cells under {len(header)} columns",
            )
        rows.append(dict(zip(header, cells, strict=True)))
    return rows


def _read_json(text: str) -> list[dict[str, str]]:
    document = json.loads(text, parse_float=str)  # a float keeps the digits it was written with
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise SpecError("tasks.table", "must be a list of objects")
    columns = list(document[0]) if document else []
    _check_columns(columns)
    return [_read_object(row, number, columns) for number, row in enumerate(document)]


def _read_object(row: dict[str, object], number: int, columns: list[str]) -> dict[str, str]:
    if set(row) != set(columns):
        raise SpecError("tasks.table", f"row {number}: other keys than the first row")
    for name, cell in row.items():
        if not isinstance(cell, (str, int)):
            raise SpecError("tasks.table", f'row {number}: "{name}" is not a text or a number')
    return {
        name: str(cell).lower() if isinstance(cell, bool) else str(cell)
        for name, cell in row.items()
    }


def _check_columns(names: list[str]) -> None:
    if not names:
        raise SpecError("tasks.table", "no columns")
    counts = Counter(names)
    for name in counts:
        if not _COLUMN.fullmatch(name):
            raise SpecError("tasks.table", f'"{name}" is not a column name (letters, digits, "_")')
        if name == "index" or counts[name] > 1:
            raise SpecError("tasks.table", f'the column "{name}" is taken already')
