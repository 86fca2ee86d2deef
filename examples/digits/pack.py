"""Turns mlp.onnx and cnn.onnx into tensor programs, the same bytes on every machine, and writes the
images of job.yaml.

`python -m examples.digits.pack` writes NAME.ptp, NAME.json, images/ and labels.txt; with --check it
makes them aside and fails when one differs from what is committed.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from examples.digits.data import load
from worker.tensor.build import Keep
from worker.tensor.importers import onnx

HERE = Path(__file__).resolve().parent
SHAPES = {"mlp": (64,), "cnn": (1, 8, 8)}
BATCH = 16  # images in one task
TASKS = 4  # in job.yaml


def main() -> None:
    """Pack, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    if not parser.parse_args().check:
        pack(HERE)
        return
    with tempfile.TemporaryDirectory() as folder:
        pack(Path(folder))
        for made in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            name = made.relative_to(folder)
            if made.read_bytes() != (HERE / name).read_bytes():
                raise SystemExit(f"{name} is not what its model gives: pack it again")


def pack(folder: Path) -> None:
    """Write the programs, calibrated on what the networks learnt from, and the job's tasks."""
    for name, shape in SHAPES.items():
        samples = {"pixels": load().train.reshape(-1, *shape)}
        model = onnx.load(HERE / f"{name}.onnx", samples, BATCH)
        onnx.quantise(model, samples, Keep.ALL).save(folder / f"{name}.ptp")
    write_tasks(folder)


def write_tasks(folder: Path) -> None:
    """Write images that no network has seen, a file a task, and their labels, a line a task.

    The program's input has scale 1 and zero point 0 (mlp.json): pixels go in as they are.
    """
    split = load()
    (folder / "images").mkdir(exist_ok=True)
    lines = []
    for task in range(TASKS):
        chosen = slice(task * BATCH, (task + 1) * BATCH)
        np.save(folder / "images" / f"{task}.npy", split.test[chosen].astype(np.int8))
        lines.append(" ".join(map(str, split.test_labels[chosen])) + "\n")
    (folder / "labels.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
