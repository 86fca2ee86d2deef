"""Which tests execute which lines: those alone can notice a change there."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from boa.environment import Env

from scripts.mutants.builds import source_name

Lines = dict[str, set[int]]
"""Lines, from 1, by source."""

Parts = Mapping[str, Iterable[str]]
"""The sources that each contract is made of."""

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

    def kept(self) -> tuple[float, dict[str, list[int]], list[str]]:
        """Return the test as JSON can hold it."""
        lines = {source: sorted(numbers) for source, numbers in self.lines.items()}
        return self.seconds, lines, sorted(self.contracts)

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
            place = None
            if (node := nodes.get(counter)) is not None:
                source = source_name(node.module_node.resolved_path)
                place = (source, node.lineno) if source else None
            self._places[key, counter] = place
        return self._places[key, counter]


class Reach:
    """The tests by id, remembered between runs for as long as their files, and the sources that the
    tests of a file execute, stay as they are."""

    def __init__(self, root: Path, file: Path) -> None:
        self._root = root
        self._file = file
        self.tests: dict[str, Test] = {}

    def load(self, parts: Parts) -> None:
        """Take over what was found before, where it still holds."""
        if not self._file.exists():
            return
        for file, (stamp, tests) in json.loads(self._file.read_text()).items():
            found = {
                name: Test(
                    seconds,
                    {source: set(numbers) for source, numbers in lines.items()},
                    set(contracts),
                )
                for name, (seconds, lines, contracts) in tests.items()
            }
            if stamp == self._stamp(file, found.values(), parts):
                self.tests |= found

    def save(self, parts: Parts) -> None:
        """Keep what is known."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        files: dict[str, dict[str, Test]] = {}
        for name, test in self.tests.items():
            files.setdefault(name.partition("::")[0], {})[name] = test
        kept = {
            file: [
                self._stamp(file, tests.values(), parts),
                {name: test.kept() for name, test in tests.items()},
            ]
            for file, tests in files.items()
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

    def _stamp(self, file: str, tests: Iterable[Test], parts: Parts) -> str:
        """Return a digest of a file of tests and of all sources that one of them executes."""
        sources = set[str]()
        for test in tests:
            sources.update(test.lines, *(parts.get(name, ()) for name in test.contracts))
        paths = [self._root / file, *(self._root / "contracts" / name for name in sorted(sources))]
        return _digest(path for path in paths if path.exists())


def _digest(files: Iterable[Path]) -> str:
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
