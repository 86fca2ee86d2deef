"""Where a constant is read: a change of its value shows there."""

from collections.abc import Iterable

from vyper import ast as vy_ast

from scripts.mutants.reach import Lines
from scripts.mutants.source import Node, Source


class Readers:
    """The lines of functions that read a constant, or one that is computed from it."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._reads: dict[str, list[tuple[str, int, str | None]]] = {}
        self._names: dict[str, list[tuple[range, str]]] = {}
        for source in sources:
            self._names[source.name] = list(_constants(source))
            for node in source.module.get_descendants((vy_ast.Name, vy_ast.Attribute)):
                name = node.id if isinstance(node, vy_ast.Name) else node.attr
                owner = self._constant_at(source.name, node.lineno)
                self._reads.setdefault(name, []).append((source.name, node.lineno, owner))

    def of(self, source: str, line: int) -> Lines:
        """Return the lines, from 1, that read the constant defined at `line` of a source."""
        found: Lines = {}
        name = self._constant_at(source, line)
        pending = [name] if name else []
        seen = set(pending)
        while pending:
            for file, number, owner in self._reads.get(pending.pop(), []):
                if owner is None:
                    found.setdefault(file, set()).add(number)
                elif owner not in seen:
                    seen.add(owner)
                    pending.append(owner)
        return found

    def _constant_at(self, source: str, line: int) -> str | None:
        return next((name for lines, name in self._names[source] if line in lines), None)


def _constants(source: Source) -> Iterable[tuple[range, str]]:
    node: Node
    for node in source.module.body:
        if isinstance(node, vy_ast.VariableDecl) and node.is_constant:
            yield range(node.lineno, node.end_lineno + 1), node.target.id
