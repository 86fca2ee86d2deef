"""What a run found, as it is kept in bench/results/mutants.json."""

import json
import tomllib
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scripts.mutants.sites import Mutant

TARGET = 0.9  # killed share
OUTCOMES = ("killed", "survived", "timed out", "invalid")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    outcome: str
    """killed | survived | timed out | invalid"""
    why: str = ""
    """The test that failed, or why it cannot be deployed."""
    tests: int = 0
    """How many tests were run."""
    seconds: float = 0.0


@dataclass
class Results:
    """Verdicts of the mutants of a run, each with its change and the test that noticed it."""

    how: dict[str, Any]
    """The command and what it ran on."""
    equivalent: dict[str, str]
    """Why a mutant does what the contract does, by id."""
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, mutant: Mutant, text: str, verdict: Verdict) -> None:
        """Take a verdict in, in place of an earlier one; `text` is the mutant's source."""
        found = {"change": mutant.describe(text), **asdict(verdict)}
        self.verdicts[mutant.id] = dict(sorted(found.items()))

    def left(self) -> list[str]:
        """Return the ids of those that no test noticed."""
        return [name for name, found in self.verdicts.items() if not _noticed(found)]

    def unexplained(self) -> list[str]:
        """Return the ids of those that no test noticed though nobody says they are equivalent."""
        return [name for name in self.left() if name not in self.equivalent]

    def wrongly_excused(self) -> list[str]:
        """Return the ids of those that a test noticed though they are said to be equivalent."""
        killed = {name for name, found in self.verdicts.items() if found["outcome"] == "killed"}
        return sorted(killed & self.equivalent.keys())

    @property
    def deployed(self) -> int:
        """How many of the mutants could be deployed, and so were tried."""
        return sum(found["outcome"] != "invalid" for found in self.verdicts.values())

    def killed_share(self) -> float:
        """Return the killed among those that can be deployed, equivalent ones too."""
        killed = [found for found in self.verdicts.values() if found["outcome"] == "killed"]
        return len(killed) / max(1, self.deployed)

    def passes(self) -> bool:
        """Return whether enough were killed, and the others are explained."""
        done = self.killed_share() >= TARGET
        return done and not self.unexplained() and not self.wrongly_excused()

    def save(self, file: Path) -> None:
        """Write everything, and the counts by kind of mistake and by source."""
        ids = list(self.verdicts)
        part = {
            **self.how,
            "counts": self._counts(0, ids)["all"],
            "killed_share": round(self.killed_share(), 4),
            "by_kind": self._counts(2, ids),
            "by_source": self._counts(0, ids),
            "survivors": {
                name: {
                    "change": self.verdicts[name]["change"],
                    "equivalent": self.equivalent.get(name),
                }
                for name in sorted(self.left())
            },
            "mutants": self.verdicts,
        }
        del part["by_source"]["all"], part["by_kind"]["all"]
        file.write_text(json.dumps(part, indent=1, sort_keys=True) + "\n")

    def load(self, file: Path, known: Collection[str]) -> None:
        """Take over earlier verdicts, of those mutants that the sources still have."""
        kept = json.loads(file.read_text())["mutants"]
        self.verdicts = {name: found for name, found in kept.items() if name in known}

    def _counts(self, part: int, ids: Any) -> dict[str, Counter[str]]:
        """Count outcomes for each value of a part of the id, and for all."""
        counts: dict[str, Counter[str]] = {"all": Counter(dict.fromkeys(OUTCOMES, 0))}
        for name in ids:
            outcome = self.verdicts[name]["outcome"]
            counts["all"][outcome] += 1
            counts.setdefault(name.split(":")[part], Counter())[outcome] += 1
        return counts


def read_equivalent(file: Path) -> dict[str, str]:
    """Return the reason for each mutant that is known to be equivalent, by id."""
    return tomllib.loads(file.read_text())


def _noticed(found: dict[str, Any]) -> bool:
    return found["outcome"] in ("killed", "invalid")
