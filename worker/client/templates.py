"""Placeholders: how a task selects its arguments, environment and input files.

This is the whole rule. An argument, an environment value and the local path of an input may hold
placeholders in braces; each task fills in its own values:

  {index}    the task's number, from 0; always there
  {value}    the number, of tasks made by `range`
  {file}     the guest path of the file, of tasks made by `files`: /in/<its name>
  {column}   the cell in that column, of tasks made by `table`

An input whose local path holds a placeholder belongs to the task alone, any other is common to
all. Two braces, {{ and }}, stand for one.
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")


def placeholders(template: str) -> set[str]:
    """Return the names in a template. Raises ValueError on a brace that stands alone."""
    names = set()
    for match in _TOKEN.finditer(template):
        if match[0] in "{}":
            raise ValueError("a brace that stands alone; write {{ or }} for a literal one")
        if match[1]:
            names.add(match[1])
    return names


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each placeholder. Raises KeyError with the name of one that has no value."""

    def replacement(match: re.Match[str]) -> str:
        return values[match[1]] if match[1] else match[0][0]

    return _TOKEN.sub(replacement, template)
