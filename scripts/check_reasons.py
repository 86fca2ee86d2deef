"""Keep revert reasons unique, well formed and tested.

    python scripts/check_reasons.py    exit 1 and say which reason is wrong, and why

A reason is raised in one place only, so that it names one cause; it reads "module: what is wrong"
and is quoted, whole, by a test under tests/contracts.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
RAISED = re.compile(r'^[^#`\n]*(?:\braise |\b_fail\(|\bassert .*, )"([^"]*)"', re.MULTILINE)
WELL_FORMED = re.compile(r"^[a-z][a-z0-9_]*: [^A-Z].*[^.]$")


def raised(contracts: Path) -> dict[str, list[str]]:
    """Return where each reason is raised; tests' own contracts do not count."""
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted(contracts.rglob("*.vy")):
        if "mocks" in file.parts:
            continue
        text = file.read_text()
        for match in RAISED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            places[match[1]].append(f"{file.relative_to(contracts.parent)}:{line}")
    return dict(places)


def problems(places: dict[str, list[str]], tests: str) -> list[str]:
    """Return a line for each reason that is wrong; `tests` is the text of all tests."""
    found = []
    for reason, where in sorted(places.items()):
        if len(where) > 1:
            found.append(f"{', '.join(where)}: raised in {len(where)} places: {reason!r}")
        if not WELL_FORMED.match(reason):
            found.append(f'{where[0]}: not of the form "module: what is wrong": {reason!r}')
        elif f'"{reason}"' not in tests:
            found.append(f"{where[0]}: no test quotes {reason!r}")
    return found


def main() -> int:
    """Print what is wrong; return the exit code."""
    places = raised(ROOT / "contracts")
    files = sorted((ROOT / "tests" / "contracts").rglob("test_*.py"))
    wrong = problems(places, "\n".join(file.read_text() for file in files))
    print("\n".join(wrong) if wrong else f"{len(places)} reasons, each unique and tested")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
