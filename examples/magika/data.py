"""The magika model out of its package, and the real files that it is calibrated and judged on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from examples.locked import PACKAGES, piece

MODEL = PACKAGES / "magika" / "models" / "standard_v3_3" / "model.onnx"
FILES = Path(__file__).with_name("files.txt")

_END = 1024  # bytes that the model sees of either end
_BLOCK = 4096  # of which white space at the very ends is left out
_NOTHING = 256  # in the place of bytes that a short file lacks


def features(data: bytes) -> NDArray[np.int32]:
    """Return what the model reads of a file: its first and its last bytes."""
    first = data[:_BLOCK].lstrip()[:_END]
    last = data[-_BLOCK:].rstrip()[-_END:]
    result = np.full(2 * _END, _NOTHING, np.int32)
    result[: len(first)] = np.frombuffer(first, np.uint8)
    result[2 * _END - len(last) :] = np.frombuffer(last, np.uint8)
    return result


def load(use: str) -> NDArray[np.int32]:
    """Return the features of all files for "calibrate" or "judge", a row each."""
    lines = [line.split(" ", 2) for line in FILES.read_text().splitlines()]
    pieces = [piece(path, digest) for name, digest, path in lines if name == use]
    return np.stack([features(data) for data in pieces])
