"""One parser, fuzzed in this process with changes of the inputs that guided runs found.

Nothing is instrumented, so that a parser gets several times as many inputs in a second.
"""

import time
from pathlib import Path
from random import Random

from tests.fuzz.count import REPORT_EVERY, Counter, found, log_into
from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import TARGETS


def fuzz(name: str, folder: Path, seed: int, inputs: int, seconds: int) -> None:
    """Fuzz a parser with `inputs`, or for some seconds; raises what an input showed to be a bug.

    In the folder are then log.txt, counts.json and the input as crash-….
    """
    log_into(folder)
    target, random = TARGETS[name], Random(seed)
    corpus = sorted(found(folder, target).iterdir())
    mutator = Mutator(target.form, [path.read_bytes() for path in corpus], target.tokens)
    counter = Counter(target, folder)
    end = time.monotonic() + seconds
    done = 0
    while done < inputs and time.monotonic() < end:
        for _ in range(REPORT_EVERY):
            counter.take(mutator.make(random))
        done += REPORT_EVERY
