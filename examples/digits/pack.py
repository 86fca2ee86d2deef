"""Turns mlp.onnx and cnn.onnx into tensor programs, the same bytes on every machine.

`python -m examples.digits.pack` writes NAME.ptp and NAME.json; with --check it makes them aside
and fails when one differs from what is committed.
"""

import argparse
import tempfile
from pathlib import Path

from examples.digits.data import load
from worker.tensor.build import Keep
from worker.tensor.importers import onnx

HERE = Path(__file__).resolve().parent
SHAPES = {"mlp": (64,), "cnn": (1, 8, 8)}
BATCH = 16  # images in one task


def main() -> None:
    """Pack, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    if not parser.parse_args().check:
        pack(HERE)
        return
    with tempfile.TemporaryDirectory() as folder:
        pack(Path(folder))
        for made in sorted(Path(folder).iterdir()):
            if made.read_bytes() != (HERE / made.name).read_bytes():
                raise SystemExit(f"{made.name} is not what its model gives: pack it again")


def pack(folder: Path) -> None:
    """Write both programs, calibrated on the images that the networks learnt from."""
    for name, shape in SHAPES.items():
        samples = {"pixels": load().train.reshape(-1, *shape)}
        model = onnx.load(HERE / f"{name}.onnx", samples, BATCH)
        onnx.quantise(model, samples, Keep.ALL).save(folder / f"{name}.ptp")


if __name__ == "__main__":
    main()
