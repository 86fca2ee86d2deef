"""A Vyper source with exact places: its syntax tree, its tokens, and text by position."""

import ast
import copy
import io
import tokenize
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vyper.ast.nodes import get_node
from vyper.ast.parse import annotate_python_ast
from vyper.ast.pre_parser import PreParser

Node = Any  # vyper.ast.VyperNode: Vyper has no types that mypy can read
Position = tuple[int, int]  # line from 1, column from 0


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a source's text."""

    start: int
    end: int


class Source:
    """The text of one `.vy` file, as Vyper reads it."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def module(self) -> Node:
        """The syntax tree as it is written, before constants are folded."""
        parser = PreParser(is_interface=False)
        parser.parse(self.text)
        parser.adjustments = _for_ends_too(parser.adjustments)
        tree = copy.deepcopy(ast.parse(parser.reformatted_code))  # `ast` shares some nodes
        annotate_python_ast(tree, self.text, parser, module_path=self.name)
        return get_node(tree)

    def span(self, node: Node) -> Span:
        """Return where a node stands; parentheses around it are not part of it."""
        start = self._offset((node.lineno, node.col_offset))
        return Span(start, self._offset((node.end_lineno, node.end_col_offset)))

    def between(self, first: Node, last: Node) -> Span:
        """Return the characters from the first's beginning to the last's end."""
        return Span(self.span(first).start, self.span(last).end)

    def of(self, place: Node | Span) -> str:
        """Return the text of a place."""
        span = place if isinstance(place, Span) else self.span(place)
        return self.text[span.start : span.end]

    def symbol(self, left: Node, symbol: str, right: Node) -> Span:
        """Return where an operator, of one word or two, stands between its operands."""
        words = symbol.split()
        gap = Span(self.span(left).end, self.span(right).start)
        found = [token for token in self._words if gap.start <= token[1].start < gap.end]
        for index in range(len(found)):
            run = found[index : index + len(words)]
            if [word for word, _ in run] == words:
                return Span(run[0][1].start, run[-1][1].end)
        raise LookupError(f"{self.name}: no {symbol!r} in {self.of(gap)!r}")

    @cached_property
    def _words(self) -> list[tuple[str, Span]]:
        kinds = {tokenize.OP, tokenize.NAME}
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [
            (token.string, Span(self._offset(token.start), self._offset(token.end)))
            for token in tokens
            if token.type in kinds
        ]

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def _offset(self, position: Position) -> int:
        # Columns count bytes in the tree and characters in tokens: code before them is ASCII.
        return self._line_starts[position[0] - 1] + position[1]


def _for_ends_too(adjustments: dict[Position, int]) -> dict[Position, int]:
    """Return for every column what Vyper knows for the starts of tokens only.

    Vyper reads `log x` as Python's `yield x`, and moves what begins behind it back to its place;
    what ends before a space it leaves where Python found it.
    """
    dense = dict(adjustments)
    starts = sorted(adjustments)
    for (line, column), (next_line, next_column) in zip(starts, [*starts[1:], (0, 0)], strict=True):
        last = next_column if line == next_line else column + 200
        for between in range(column + 1, last):
            dense[line, between] = adjustments[line, column]
    return dense
