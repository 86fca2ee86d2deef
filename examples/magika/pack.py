"""Makes the tensor program that tells file types apart: OUT.ptp, and OUT.json beside it.

python -m examples.magika.pack OUT.ptp
"""

import sys
from pathlib import Path

from examples.magika.data import MODEL, load
from worker.tensor.build import Keep
from worker.tensor.importers import onnx
from worker.tensor.importers.model import Model


def pack() -> tuple[onnx.FloatModel, Model]:
    """Return the float model and its program, one file a run."""
    samples = {"bytes": load("calibrate")}
    model = onnx.load(MODEL, samples, 1)
    return model, onnx.quantise(model, samples, Keep.LAYERS)


if __name__ == "__main__":
    pack()[1].save(Path(sys.argv[1]))
