"""The documents: what they name exists, and what exists that people need is named in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT
from worker.cli.exits import Exit
from worker.cli.main import cli

DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")])
OPERATIONS = ROOT / "docs" / "operations.md"
THREATS = ROOT / "docs" / "threat-model.md"
FAULTS = ROOT / "docs" / "reliability.md"


def _rows(document: Path, heading: str) -> list[str]:
    """Return the rows of the table under a heading."""
    table = document.read_text().partition(f"## {heading}")[2].partition("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def _tests() -> set[str]:
    """Return the names of all tests."""
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return set(re.findall(r"\bdef (test_\w+)", sources))


def test_threat_model__every_attack__names_tests_that_exist():
    rows, exist = _rows(THREATS, "Attacks") + _rows(THREATS, "The worker, check by check"), _tests()

    assert len(rows) > 70
    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, f"no test: {row}"
        assert named <= exist, named - exist


def test_reliability__every_fault__names_its_tests_or_says_why_there_is_none():
    rows, exist = _rows(FAULTS, "Faults"), _tests()

    named = set()
    for row in rows:
        number, last = row.split(" | ")[0].strip("| "), row.rstrip("| ").split(" | ")[-1]
        tests = set(re.findall(r"`(test_\w+)`", last))
        assert tests or last.startswith("none: "), f"neither a test nor a reason: {row}"
        assert tests <= exist, tests - exist
        assert all(test.startswith("test_fault_") for test in tests), tests
        assert not tests or any(f"_fault_{int(number):02}__" in test for test in tests), row
        named |= tests
    assert named == {test for test in exist if test.startswith("test_fault_")}


def test_operations__exit_codes__are_all_and_only_those_there_are():
    table = OPERATIONS.read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert sorted(map(int, re.findall(r"\| (\d+) \|", table))) == sorted(Exit)


def _commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}".strip())
        elif command is not None:
            yield f"{path} {name}".strip(), command


COMMANDS = dict(_commands(cli))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_docs__every_command__is_mentioned(name):
    group, _, verb = name.rpartition(" ")
    text = " ".join((ROOT / "README.md", OPERATIONS)[which].read_text() for which in (0, 1))
    before = rf"{group} (?:[\w|-]+ ?\| ?)*" if group else "proofmesh "
    assert re.search(rf"\b{before}{verb}\b", text), f"nobody tells of {name}"


def _examples() -> Iterator[tuple[str, str]]:
    """Yield document and line of every `proofmesh …` in a block of code."""
    for path in DOCS:
        for block in re.findall(r"^ *```\n(.*?)^ *```", path.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip().startswith("proofmesh "):
                    yield str(path.relative_to(ROOT)), line.strip()


@pytest.mark.parametrize(("path", "line"), list(_examples()))
def test_docs__command_in_a_block__is_one_that_is_understood(path, line, tmp_path, monkeypatch):
    words = shlex.split(line, comments=True)[1:]
    command = COMMANDS.get(words[0]) or COMMANDS[" ".join(words[:2])]
    given = {name for word in words[1:] if word.startswith("-") for name in [word.split("=")[0]]}
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}

    assert given <= known, given - known


def test_docs__links_to_files__lead_somewhere():
    for path in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert Path(path.parent, target).exists(), f"{path.name}: {target}"
