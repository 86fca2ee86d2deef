"""Makes the tensor program of all-MiniLM-L6-v2: OUT.ptp, and OUT.json beside it.

python -m examples.minilm.pack OUT.ptp [--long]
"""

import argparse
from pathlib import Path

from examples.minilm.data import MODEL, tokens
from worker.tensor.build import Keep
from worker.tensor.importers.bert.program import quantise
from worker.tensor.importers.bert.weights import Encoder, read
from worker.tensor.importers.calibrate import batches
from worker.tensor.importers.model import Model

SHORT = (32, 64)  # texts in one run, tokens of each
LONG = (4, 230)


def pack(encoder: Encoder, batch: int, length: int) -> Model:
    """Return the program for texts of up to `length` tokens."""
    calibration = list(batches(tokens("calibrate", SHORT[1]), 24))
    if length > SHORT[1]:
        calibration = [*batches(tokens("calibrate-long", length), 4), *calibration]
    return quantise(encoder, calibration, batch, Keep.LAYERS)


def main() -> None:
    """Pack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--long", action="store_true", help="for texts of up to 230 tokens")
    options = parser.parse_args()
    pack(read(MODEL), *(LONG if options.long else SHORT)).save(options.out)


if __name__ == "__main__":
    main()
