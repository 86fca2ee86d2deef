"""One parser, fuzzed in this process: inputs are guided by the branches that they reach."""

from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["worker"]):
    from tests.fuzz.count import REPORT_EVERY, Counter, found, log_into
    from tests.fuzz.mutate import Mutator
    from tests.fuzz.target import MAX_BYTES
    from tests.fuzz.targets import TARGETS

_LIBRARY_SHARE = 0.4
"""Of changes that libFuzzer makes, which knows what was compared; the others go by form."""

_FRESH_SHARE = 0.55
"""From there up to here they begin anew from a real input."""


def fuzz(name: str, folder: Path, seed: int, inputs: int, seconds: int) -> None:
    """Fuzz a parser with `inputs` that are new, or for some seconds, and end this process: with
    status 0, or another when an input shows a bug.

    In the folder are then log.txt, counts.json, the input as crash-…, and under corpus/ all inputs
    that reached something new.
    """
    log_into(folder)
    target = TARGETS[name]
    corpus = found(folder, target)
    mutator = Mutator(target.form, target.corpus(), target.tokens)

    def change(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)
        kind = random.random()
        if kind < _LIBRARY_SHARE:
            return atheris.Mutate(data, most)
        made = mutator.make(random) if kind < _FRESH_SHARE else mutator.change(data, random)
        return made[:most]

    known = len(list(corpus.iterdir()))
    runs = known + inputs + REPORT_EVERY
    options = [f"-seed={seed}", f"-runs={runs}", f"-max_total_time={seconds}"]
    options += [f"-artifact_prefix={folder}/", f"-max_len={MAX_BYTES}", "-print_final_stats=1"]
    counter = Counter(target, folder, known)
    atheris.Setup([name, *options, str(corpus)], counter.take, custom_mutator=change)
    atheris.Fuzz()
