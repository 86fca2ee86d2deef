"""Which tests execute which lines: those alone can notice a change there."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from boa.environment import Env

from scripts.mutants.builds import source_name

Lines = dict[str, set[int]]
"""Lines, from 1, by source."""

Nodes = dict[int, Any]
"""What a program counter belongs to in the contract's syntax tree."""


@dataclass
class Test:
    """What one test takes and touches."""

    seconds: float = 0.0
    lines: Lines = field(default_factory=dict)
    """What it executes on titanoboa's chain; preparing what tests share counts for the first."""
    contracts: set[str] = field(default_factory=set)
    """What the tests of its file may deploy through ape, where lines are not known."""

    def reaches(self, lines: Lines, contracts: Iterable[str]) -> bool:
        """Return whether the test executes one of the lines, or may run one of the contracts."""
        return not self.contracts.isdisjoint(contracts) or any(
            not self.lines.get(source, set()).isdisjoint(numbers)
            for source, numbers in lines.items()
        )


class Recorder:
    """Notes the lines that titanoboa executes, between two calls of `take`."""

    def __init__(self) -> None:
        self._counters: dict[int, tuple[Nodes, set[int]]] = {}
        """Program counters that were reached, by the compiled contract whose they are."""
        self._places: dict[tuple[int, int], tuple[str, int] | None] = {}
        """What was found before: walking up to a node's source is slow."""

    def start(self) -> None:
        """Note from here on, in this process."""

        def note(env: Env, computation: Any, contract: Any = None) -> None:
            if contract is not None and hasattr(contract, "source_map"):
                nodes = contract.source_map["pc_raw_ast_map"]
                _, counters = self._counters.setdefault(id(nodes), (nodes, set()))
                counters.update(computation.code._trace)
            for child in computation.children:
                if child.msg.code_address:
                    note(env, child, env._lookup_contract_fast(child.msg.code_address))

        Env._coverage_enabled = True
        Env._trace_computation = note

    def take(self) -> Lines:
        """Return what was noted since the last time."""
        lines: Lines = {}
        for key, (nodes, counters) in self._counters.items():
            for counter in counters:
                if place := self._place(key, nodes, counter):
                    lines.setdefault(place[0], set()).add(place[1])
            counters.clear()
        return lines

    def _place(self, key: int, nodes: Nodes, counter: int) -> tuple[str, int] | None:
        """Return the source and line of a program counter, or None where it has none of ours."""
        if (key, counter) not in self._places:
            node = nodes.get(counter)
            source = source_name(node.module_node.resolved_path) if node is not None else None
            self._places[key, counter] = (source, node.lineno) if source else None
        return self._places[key, counter]


class Reach:
    """The tests by id, remembered between runs for as long as their files stay as they are."""

    def __init__(self, root: Path, file: Path) -> None:
        self._root = root
        self._file = file
        self._stamps: dict[str, str] = {}
        self._contracts = _digest(sorted((root / "contracts").rglob("*.vy")))
        self.tests: dict[str, Test] = {}

    def load(self) -> None:
        """Take over what was found before, where it still holds."""
        if not self._file.exists():
            return
        kept = json.loads(self._file.read_text())
        for test, (stamp, seconds, lines, contracts) in kept.items():
            if stamp == self._stamp(test):
                sets = {source: set(numbers) for source, numbers in lines.items()}
                self.tests[test] = Test(seconds, sets, set(contracts))

    def save(self) -> None:
        """Keep what is known."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            name: [
                self._stamp(name),
                test.seconds,
                {source: sorted(numbers) for source, numbers in test.lines.items()},
                sorted(test.contracts),
            ]
            for name, test in self.tests.items()
        }
        self._file.write_text(json.dumps(kept))

    def of(self, lines: Lines, contracts: Sequence[str]) -> list[str]:
        """Return the ids of the tests that reach the lines, or else their sources at all."""
        found = [name for name, test in self.tests.items() if test.reaches(lines, contracts)]
        if any(self.tests[name].lines for name in found):
            return found
        return [
            name
            for name, test in self.tests.items()
            if not test.contracts.isdisjoint(contracts) or not lines.keys().isdisjoint(test.lines)
        ]

    def _stamp(self, test: str) -> str:
        file = test.partition("::")[0]
        if file not in self._stamps:
            path = self._root / file
            own = _digest([path]) if path.exists() else "gone"
            self._stamps[file] = f"{self._contracts} {own}"
        return self._stamps[file]


def _digest(files: Iterable[Path]) -> str:
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
