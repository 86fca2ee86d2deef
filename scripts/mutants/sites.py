"""All mutants of a source: each has one change, and an id that outlives edits elsewhere."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from vyper import ast as vy_ast

from scripts.mutants.operators import Change, in_condition, in_expression, in_statement
from scripts.mutants.source import Node, Source, Span


@dataclass(frozen=True)
class Mutant:
    """One change to one source. `id` depends on the statement it stands in, not on its line."""

    id: str
    kind: str
    source: str
    function: str | None
    """None outside functions: the value of a constant."""
    lines: range
    """Of the simple statement, or of a compound statement's head, from 1."""
    span: Span
    replacement: str

    def apply(self, text: str) -> str:
        """Return the source's text with the change made."""
        return text[: self.span.start] + self.replacement + text[self.span.end :]

    def describe(self, text: str) -> str:
        """Return the change on one line."""
        original = " ".join(text[self.span.start : self.span.end].split())
        return f"{self.source}:{self.lines.start}: {original} -> {self.replacement}"


@dataclass(frozen=True)
class _Place:
    function: str | None
    place: Span
    first: int
    last: int


def mutants(source: Source) -> list[Mutant]:
    """Return the mutants of a source in the order of its text. Raises vyper's SyntaxException."""
    seen: Counter[str] = Counter()
    found = []
    for place, (kind, span, replacement) in _changes(source):
        around = (place.place.start, span.start, span.end, place.place.end)
        before, old, after = (source.of(Span(*pair)) for pair in pairwise(around))
        change = "\0".join([source.name, place.function or "", before, old, after, replacement])
        seen[change] += 1
        digest = hashlib.sha256(f"{change}\0{seen[change]}".encode()).hexdigest()[:10]
        scope = place.function or "constant"
        mutant_id = f"{source.name}:{scope}:{kind}:{digest}"
        lines = range(place.first, place.last + 1)
        found.append(Mutant(mutant_id, kind, source.name, place.function, lines, span, replacement))
    return sorted(found, key=lambda mutant: (mutant.span.start, mutant.span.end, mutant.id))


def _changes(source: Source) -> Iterator[tuple[_Place, Change]]:
    for node in source.module.body:
        if isinstance(node, vy_ast.VariableDecl) and node.is_constant:
            place = _Place(None, source.span(node), node.lineno, node.end_lineno)
            for change in _of_expression(source, node.value):
                yield place, change
        elif isinstance(node, vy_ast.FunctionDef):
            yield from _of_function(source, node)


def _of_function(source: Source, function: Node) -> Iterator[tuple[_Place, Change]]:
    for statement in _statements(function.body):
        head = _head(source, statement)
        last = statement.lineno + source.of(head).count("\n")
        place = _Place(function.name, head, statement.lineno, last)
        for change in in_statement(source, statement, function.returns):
            yield place, change
        if isinstance(statement, vy_ast.AugAssign):
            for change in in_expression(source, statement):
                yield place, change
        for expression in _expressions(statement):
            for change in _of_expression(source, expression):
                yield place, change
        if isinstance(statement, vy_ast.If | vy_ast.Assert):
            for change in in_condition(source, statement.test):
                yield place, change


def _of_expression(source: Source, root: Node) -> Iterator[Change]:
    for node in (root, *root.get_descendants()):
        yield from in_expression(source, node)


def _statements(body: list[Node]) -> Iterator[Node]:
    for statement in body:
        yield statement
        for part in ("body", "orelse"):
            yield from _statements(getattr(statement, part, []))


def _expressions(statement: Node) -> list[Node]:
    """Return what a statement computes itself: neither types nor the statements inside."""
    parts = [getattr(statement, name, None) for name in ("target", "value", "test", "iter")]
    return [part for part in parts if part is not None and not isinstance(part, vy_ast.AnnAssign)]


def _head(source: Source, statement: Node) -> Span:
    if isinstance(statement, vy_ast.If):
        return source.between(statement, statement.test)
    if isinstance(statement, vy_ast.For):
        return source.between(statement, statement.iter)
    return source.span(statement)
