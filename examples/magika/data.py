"""The magika model out of its package, and the real files that it is calibrated and judged on."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import magika
import numpy as np
from numpy.typing import NDArray

PACKAGES = Path(magika.__file__).parent.parent
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
    return np.stack([features(data) for data in _contents(use)])


def _contents(use: str) -> Iterator[bytes]:
    for line in FILES.read_text().splitlines():
        if not line.startswith(f"{use} "):
            continue
        _, digest, path = line.split(" ", 2)
        data = (PACKAGES / path).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise SystemExit(f"{path} is not the file of the locked package")
        yield data
