"""Fuzz the parsers of untrusted bytes within a budget, and keep how many inputs each got.

python -m tests.fuzz.run --minutes 30 [--inputs N] [--jobs J] [--seed S] [TARGET …]
Needs atheris (`make fuzz` installs it). Writes bench/results/fuzz.json and, for each bug, the input
under .cache/fuzz/<target>/crash-…; ends with status 1 then.
"""

import argparse
import json
import multiprocessing
import re
import sys
import time
from multiprocessing.connection import wait
from typing import Any

from bench._results import merge
from tests.conftest import ROOT
from tests.fuzz.one import fuzz
from tests.fuzz.targets import TARGETS
from tests.fuzz.targets.abi import contracts

FOUND = ROOT / ".cache" / "fuzz"
_GRACE_SECONDS = 60
_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb: +(\d+)")
_fork = multiprocessing.get_context("fork")  # instrumenting the imports takes long: once is enough


class Child:
    """A process that fuzzes one parser."""

    def __init__(self, name: str, seed: int, inputs: int, seconds: int) -> None:
        self.name = name
        self._seed = seed
        self._folder = FOUND / name
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "counts.json").unlink(missing_ok=True)
        self._began = time.monotonic()
        self._last = self._began + seconds + _GRACE_SECONDS
        self.process = _fork.Process(target=fuzz, args=(name, self._folder, seed, inputs, seconds))
        self.process.start()

    def is_over(self) -> bool:
        """Whether it has ended; what does not end long after its time is ended, as a bug."""
        if self.process.is_alive() and time.monotonic() > self._last:
            self.process.kill()
            self.process.join()
        return not self.process.is_alive()

    def counts(self) -> dict[str, Any]:
        """Return what it did, once it is over."""
        log = (self._folder / "log.txt").read_text(errors="replace")
        counts = self._folder / "counts.json"
        told = json.loads(counts.read_text()) if counts.exists() else {}
        executed, peak = _EXECUTED.search(log), _PEAK.search(log)
        return {
            "inputs": int(executed[1]) if executed else told.get("inputs", 0),
            "taken_share": round(told.get("taken", 0) / max(1, told.get("inputs", 0)), 4),
            "slowest_ms": round(told.get("slowest", 0) * 1000, 1),
            "peak_mb": int(peak[1]) if peak else None,
            "seconds": round(time.monotonic() - self._began),
            "seed": self._seed,
            "bugs": int(self.process.exitcode != 0),
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each parser, at most")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    return parser.parse_args()


def main() -> None:
    """Share the budget out evenly."""
    asked = _arguments()
    seconds = int(asked.minutes * 60 * asked.jobs / len(asked.targets))
    contracts()  # read here, so that no child needs to
    waiting, running, bugs = list(asked.targets), list[Child](), 0
    while waiting or running:
        while waiting and len(running) < asked.jobs:
            running.append(Child(waiting.pop(0), asked.seed, asked.inputs, seconds))
        wait([child.process.sentinel for child in running], timeout=1)
        for child in [child for child in running if child.is_over()]:
            running.remove(child)
            counts = child.counts()
            bugs += counts["bugs"]
            merge("fuzz.json", {"parsers": {child.name: counts}})
            sys.stdout.write(f"{child.name:18} {counts}\n")
            sys.stdout.flush()
    sys.exit(1 if bugs else 0)


if __name__ == "__main__":
    main()
