"""Ask whether any locked dependency has a known vulnerability; `make audit`.

Ends with status 1 when one has that nobody accepted below. What could not be asked, for want of a
network or because an index does not tell, is said and fails nothing: a build must work offline.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
PIP_AUDIT = ROOT / ".venv" / "audit" / "bin" / "pip-audit"

ACCEPTED: dict[str, str] = {
    "PYSEC-2026-2028": "vyper, side effects in concat: fixed in 0.4.2, the advisory names no fix",
    "PYSEC-2026-2029": "vyper, side effects in slice: fixed in 0.4.2, the advisory names no fix",
}
"""Advisories that do not concern us, each with the reason."""

_SECONDS = 300


class Answer(NamedTuple):
    """What was found, a line each, and what could not be asked."""

    found: list[str]
    unasked: list[str]


def read_pip(lock: str, output: str, said: str) -> Answer:
    """Read what pip-audit printed about a lock."""
    try:
        dependencies = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        words = said.strip().splitlines() or ["no answer"]
        return Answer([], [f"{lock}: {words[-1][:160]}"])
    found = [line for one in dependencies for line in _vulnerabilities(lock, one)]
    skipped = [one["name"] for one in dependencies if "skip_reason" in one]
    unasked = [f"{lock}: {len(skipped)} packages, such as {skipped[0]}"] if skipped else []
    return Answer(found, unasked)


def _vulnerabilities(lock: str, dependency: dict[str, Any]) -> Iterator[str]:
    for one in dependency.get("vulns", []):
        if ACCEPTED.keys().isdisjoint({one["id"], *one.get("aliases", [])}):
            fixes = ", ".join(one.get("fix_versions", [])) or "none"
            name, version = dependency["name"], dependency["version"]
            yield f"{lock}: {name} {version}: {one['id']}, fixed in {fixes}"


def read_npm(output: str) -> Answer:
    """Read what `npm audit --json` printed."""
    try:
        vulnerable = json.loads(output)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Answer([], ["package-lock.json: npm got no answer"])
    found = [f"package-lock.json: {name}: {one['severity']}" for name, one in vulnerable.items()]
    return Answer(found, [])


def _run(*command: str) -> tuple[str, str]:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{command[0]}: {error}"
    return done.stdout, done.stderr


def main() -> None:
    """Audit every lock."""
    options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "-f", "json", "-r")
    answers = [read_pip(lock, *_run(str(PIP_AUDIT), *options, lock)) for lock in LOCKS]
    answers.append(read_npm(_run("npm", "audit", "--json", "--package-lock-only")[0]))
    for line in [line for answer in answers for line in answer.unasked]:
        print(f"warning: could not ask about {line}")
    found = [line for answer in answers for line in answer.found]
    for line in found:
        print(f"vulnerable: {line}")
    if found:
        sys.exit(1)
    print(f"no known vulnerability in what could be asked, of {len(answers)} locks")


if __name__ == "__main__":
    main()
