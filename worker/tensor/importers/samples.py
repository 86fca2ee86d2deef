"""Read a folder of calibration data."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array

_HELD_BACK = 5  # every so manieth sample judges and does not calibrate


def arrays(folder: Path) -> dict[str, Array]:
    """Return the samples in a folder's .npz files by input, or those in .npy files under "".

    The first axis counts samples; files follow each other by name. Raises UsageError.
    """
    found: dict[str, list[Array]] = {}
    for path in sorted(folder.glob("*.np[yz]")):
        for name, array in _load(path).items():
            if not array.ndim:
                raise UsageError(f"{path}: a sample's first axis counts samples")
            found.setdefault(name, []).append(array)
    if not found:
        raise UsageError(f"{folder}: no .npy or .npz file")
    try:
        return {name: np.concatenate(parts) for name, parts in found.items()}
    except ValueError as error:
        raise UsageError(f"{folder}: samples of one input differ in shape") from error


def lines(folder: Path) -> list[str]:
    """Return the texts in a folder's .txt files, a line each. Raises UsageError."""
    try:
        texts = [
            line.strip()
            for path in sorted(folder.glob("*.txt"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
    except ValueError as error:
        raise UsageError(f"{folder}: {error}") from error
    if not any(texts):
        raise UsageError(f"{folder}: no text in .txt files")
    return [text for text in texts if text]


def split(samples: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return samples to calibrate on, and every fifth, held back to judge by."""
    calibrate, judge = {}, {}
    for name, array in samples.items():
        held = np.arange(len(array)) % _HELD_BACK == _HELD_BACK - 1
        calibrate[name], judge[name] = array[~held], array[held]
    return calibrate, judge


def _load(path: Path) -> dict[str, Array]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    return {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
