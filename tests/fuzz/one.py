"""One parser, fuzzed in this process: inputs are guided by the branches that they reach."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["worker"]):
    from tests.fuzz.mutate import Mutator
    from tests.fuzz.target import MAX_BYTES, Target, feed
    from tests.fuzz.targets import TARGETS

_REPORT_EVERY = 200
_LIBRARY_SHARE = 0.4
"""Of changes that libFuzzer makes, which knows what was compared; the others go by form."""

_FRESH_SHARE = 0.55
"""From there up to here they begin anew from a real input."""


class _Run:
    """Counts what became of the inputs; the counts lie in a file, since libFuzzer never returns."""

    def __init__(self, target: Target, folder: Path, known: int) -> None:
        """Begin with so many inputs of earlier runs, which are not counted again."""
        self._target = target
        self._folder = folder
        self._known = known
        self._inputs = self._taken = 0
        self._slowest = 0.0

    def take(self, data: bytes) -> None:
        """Feed one input."""
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
        if self._inputs % _REPORT_EVERY == 0:
            counts = {"inputs": self._inputs, "taken": self._taken, "slowest": self._slowest}
            (self._folder / "counts.json").write_text(json.dumps(counts))


def fuzz(name: str, folder: Path, seed: int, inputs: int, seconds: int) -> None:
    """Fuzz a parser with `inputs` that are new, or for some seconds, and end this process: with
    status 0, or another when an input shows a bug.

    In the folder are then log.txt, counts.json, the input as crash-…, and under corpus/ all inputs
    that reached something new.
    """
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    target, corpus = TARGETS[name], folder / "corpus"
    corpus.mkdir(exist_ok=True)
    seeds = target.corpus()
    for data in seeds:
        (corpus / hashlib.sha256(data).hexdigest()[:40]).write_bytes(data)
    mutator = Mutator(target.form, seeds, target.tokens)

    def change(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        kind = random.random()
        if kind < _LIBRARY_SHARE:
            return atheris.Mutate(data, most)
        made = mutator.make(random) if kind < _FRESH_SHARE else mutator.change(data, random)
        return made[:most]

    known = len(list(corpus.iterdir()))
    runs = known + inputs + _REPORT_EVERY
    options = [f"-seed={seed}", f"-runs={runs}", f"-max_total_time={seconds}"]
    options += [f"-artifact_prefix={folder}/", f"-max_len={MAX_BYTES}", "-print_final_stats=1"]
    run = _Run(target, folder, known)
    atheris.Setup([name, *options, str(corpus)], run.take, custom_mutator=change)
    atheris.Fuzz()
