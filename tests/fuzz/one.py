"""Fuzz one parser in this process, guided by the branches that its inputs reach.

python -m tests.fuzz.one TARGET FOLDER SEED [options of libFuzzer]. Ends with status 77 when an
input shows a bug; it lies in FOLDER then. Inputs that reached something new stay in FOLDER/corpus.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["worker"]):
    from tests.fuzz.mutate import Mutator
    from tests.fuzz.target import MAX_BYTES, Target, feed
    from tests.fuzz.targets import TARGETS

_REPORT_EVERY = 500
_LIBRARY_SHARE = 0.4
"""Of changes that libFuzzer makes, which knows what was compared; the others go by form."""

_FRESH_SHARE = 0.55
"""From there up to here they begin anew from a real input."""


class Run:
    """Counts what became of the inputs; the counts lie in a file, since libFuzzer never returns."""

    def __init__(self, target: Target, report: Path) -> None:
        self._target = target
        self._report = report
        self._inputs = self._taken = 0
        self._slowest = 0.0

    def take(self, data: bytes) -> None:
        """Feed one input."""
        began = time.thread_time()
        self._taken += feed(self._target, data)
        self._slowest = max(self._slowest, time.thread_time() - began)
        self._inputs += 1
        if self._inputs % _REPORT_EVERY == 0:
            counts = {"inputs": self._inputs, "taken": self._taken, "slowest": self._slowest}
            self._report.write_text(json.dumps(counts))


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    target, folder, seed = TARGETS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in target.corpus():
        (corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    mutator = Mutator(target.form, target.corpus(), target.tokens)

    def change(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        kind = random.random()
        if kind < _LIBRARY_SHARE:
            return atheris.Mutate(data, most)
        made = mutator.make(random) if kind < _FRESH_SHARE else mutator.change(data, random)
        return made[:most]

    options = [f"-seed={seed}", f"-artifact_prefix={folder}/", f"-max_len={MAX_BYTES}"]
    run = Run(target, folder / "counts.json")
    atheris.Setup(
        [sys.argv[0], *options, *sys.argv[4:], str(corpus)], run.take, custom_mutator=change
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
