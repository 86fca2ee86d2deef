"""Fuzz the parsers of untrusted bytes within a budget, and keep how many inputs each got.

python -m tests.fuzz.run --minutes 30 [--inputs N] [--jobs J] [--unguided] [TARGET …]
Guided by the branches that inputs reach (with atheris, which `make fuzz` installs), it finds those
that reach something new; unguided it feeds several times as many changes of these. Goes on where
earlier runs ended: bench/results/fuzz.json has what all runs did together (remove it to begin
anew), .cache/fuzz/<target>/ what was found and, for each bug, the input that shows it as crash-…;
ends with status 1 then.
"""

import argparse
import importlib
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from bench._results import RESULTS, merge
from tests.conftest import ROOT

FOUND = ROOT / ".cache" / "fuzz"
_GRACE_SECONDS = 60
_POLL_SECONDS = 1
_PAUSE_SECONDS = 5
Counts = dict[str, Any]
_fork = multiprocessing.get_context("fork")  # instrumenting the imports takes long: once is enough


class Child:
    """A process that fuzzes one parser, up to `goal` inputs with those of earlier runs."""

    def __init__(
        self, fuzz: Callable[..., None], name: str, before: Counts, goal: int, seconds: int
    ) -> None:
        self.name = name
        self._before = before
        self._folder = FOUND / name
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "counts.json").unlink(missing_ok=True)
        self._began = time.monotonic()
        self._last = self._began + seconds + _GRACE_SECONDS
        more = goal - before.get("inputs", 0)
        arguments = (name, self._folder, before.get("runs", 0) + 1, more, seconds)
        self.process = _fork.Process(target=fuzz, args=arguments)
        self.process.start()

    def is_over(self) -> bool:
        """Whether it has ended; what does not end long after its time is ended, as a bug."""
        if self.process.is_alive() and time.monotonic() > self._last:
            self.process.kill()
            self.process.join()
        return not self.process.is_alive()

    def allow(self, seconds: float) -> None:
        """Give it more time: it could not run meanwhile."""
        self._last += seconds

    @property
    def has_failed(self) -> bool:
        """Whether an input showed a bug, once it is over."""
        return self.process.exitcode != 0

    def counts(self) -> Counts:
        """Return what this run and those before it did, once it is over. The seed of each run is
        its number."""
        counts = self._folder / "counts.json"
        told = json.loads(counts.read_text()) if counts.exists() else {}
        done = {
            "inputs": told.get("inputs", 0),
            "taken": told.get("taken", 0),
            "seconds": round(time.monotonic() - self._began),
            "runs": 1,
            "bugs": int(self.has_failed),
        }
        highest = {key: told.get(key, 0) for key in ("slowest_ms", "peak_mb")}
        before = self._before
        return {key: before.get(key, 0) + value for key, value in done.items()} | {
            key: max(before.get(key, 0), value) for key, value in highest.items()
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="goal for each parser")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--unguided", action="store_true", help="without atheris, and faster")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    return parser.parse_args()


def _earlier() -> dict[str, Counts]:
    """Return what earlier runs did, by parser."""
    path = RESULTS / "fuzz.json"
    return dict(json.loads(path.read_text())["parsers"]) if path.exists() else {}


def main() -> None:
    """Share the budget out evenly among the parsers that are short of the goal."""
    asked, before = _arguments(), _earlier()
    # Imported here, since only a guided run may instrument what the parsers consist of.
    kind = importlib.import_module(f"tests.fuzz.{'unguided' if asked.unguided else 'guided'}")
    importlib.import_module("tests.fuzz.targets.abi").contracts()  # so that no child reads them
    waiting = [
        name
        for name in asked.targets or kind.TARGETS
        if before.get(name, {}).get("inputs", 0) < asked.inputs
    ]
    seconds = int(asked.minutes * 60 * asked.jobs / max(1, len(waiting)))
    running, has_failed = list[Child](), False
    while waiting or running:
        while waiting and len(running) < asked.jobs:
            name = waiting.pop(0)
            running.append(Child(kind.fuzz, name, before.get(name, {}), asked.inputs, seconds))
        began = time.monotonic()
        wait([child.process.sentinel for child in running], timeout=_POLL_SECONDS)
        pause = time.monotonic() - began
        if pause > _PAUSE_SECONDS:  # whoever stopped this process, stopped its children too
            for child in running:
                child.allow(pause)
        for child in [child for child in running if child.is_over()]:
            running.remove(child)
            has_failed |= child.has_failed
            counts = child.counts()
            merge("fuzz.json", {"parsers": {child.name: counts}})
            sys.stdout.write(f"{child.name:18} {counts}\n")
            sys.stdout.flush()
    sys.exit(1 if has_failed else 0)


if __name__ == "__main__":
    main()
