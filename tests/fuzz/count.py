"""Feeds inputs to a parser and keeps count of what became of them, where another process reads."""

import hashlib
import json
import os
import resource
import sys
import time
from pathlib import Path

from tests.fuzz.target import Target, feed

REPORT_EVERY = 200


class Counter:
    """Counts what became of one parser's inputs, in <folder>/counts.json: libFuzzer never returns,
    so that there is no end at which to tell it."""

    def __init__(self, target: Target, folder: Path, known: int = 0) -> None:
        """Begin with so many inputs of earlier runs, which are not counted again."""
        self._target = target
        self._folder = folder
        self._known = known
        self._inputs = self._taken = 0
        self._slowest = 0.0

    def take(self, data: bytes) -> None:
        """Feed one input; what shows a bug is kept as crash-… and its error goes on."""
        began = time.thread_time()
        try:
            taken = feed(self._target, data)
        except BaseException:
            name = hashlib.sha256(data).hexdigest()[:40]
            (self._folder / f"crash-{name}").write_bytes(data)
            raise
        if self._known > 0:
            self._known -= 1
            return
        self._taken += taken
        self._slowest = max(self._slowest, time.thread_time() - began)
        self._inputs += 1
        if self._inputs % REPORT_EVERY == 0:
            self._report()

    def _report(self) -> None:
        counts = {
            "inputs": self._inputs,
            "taken": self._taken,
            "slowest_ms": round(self._slowest * 1000, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }
        (self._folder / "counts.json").write_text(json.dumps(counts))


def log_into(folder: Path) -> None:
    """Let what this process prints go to <folder>/log.txt."""
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())


def found(folder: Path, target: Target) -> Path:
    """Return the folder of all inputs known to reach something, after the real ones are put in."""
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for data in target.corpus():
        (corpus / hashlib.sha256(data).hexdigest()[:40]).write_bytes(data)
    return corpus
