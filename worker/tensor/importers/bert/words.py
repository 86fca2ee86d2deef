"""Text to token numbers: BERT's lower-case words and word pieces."""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from worker.errors import UsageError
from worker.tensor.arrays import Array

_LONGEST = 100  # characters of a word that is looked up at all
_CONTROL = ("Cc", "Cf", "Co")


class Vocabulary:
    """The word pieces of vocab.txt, a line each."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError when the file lacks one of the special pieces."""
        lines = path.read_text(encoding="utf-8").splitlines()
        self._pieces = {piece: number for number, piece in enumerate(lines)}
        try:
            specials = [self._pieces[f"[{name}]"] for name in ("PAD", "UNK", "CLS", "SEP")]
        except KeyError as error:
            raise UsageError(f"{path}: no piece {error}") from error
        self._pad, self._unknown, self._first, self._last = specials

    def encode(self, texts: Sequence[str], length: int) -> dict[str, Array]:
        """Return `ids` and `mask`, a row for each text, cut or filled up to `length`."""
        ids = np.full((len(texts), length), self._pad, np.int64)
        for row, text in zip(ids, texts, strict=True):
            inner = [number for word in _words(text) for number in self._split(word)]
            numbers = [self._first, *inner[: length - 2], self._last]
            row[: len(numbers)] = numbers
        return {"ids": ids, "mask": (ids != self._pad).astype(np.int64)}

    def _split(self, word: str) -> list[int]:
        """Return the longest pieces that a word is made of, from its beginning on."""
        numbers: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST:
            stops = range(len(word), start, -1)
            prefix = "##" if start else ""
            stop = next((s for s in stops if prefix + word[start:s] in self._pieces), None)
            if stop is None:
                return [self._unknown]
            numbers.append(self._pieces[prefix + word[start:stop]])
            start = stop
        return numbers or [self._unknown]


def _words(text: str) -> Iterator[str]:
    """Yield lower-case words without accents; punctuation and CJK characters stand alone."""
    word = ""
    for character in unicodedata.normalize("NFD", _clean(text).lower()):
        if unicodedata.category(character) == "Mn":
            continue
        if character.isspace() or _stands_alone(character):
            if word:
                yield word
            word = ""
            if not character.isspace():
                yield character
        else:
            word += character
    if word:
        yield word


def _clean(text: str) -> str:
    kept = (" " if c in "\t\n\r" or unicodedata.category(c) == "Zs" else c for c in text)
    return "".join(
        c for c in kept if c not in "\0\ufffd" and unicodedata.category(c) not in _CONTROL
    )


def _stands_alone(character: str) -> bool:
    code = ord(character)
    is_ascii_mark = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    is_cjk = 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0xF900 <= code <= 0xFAFF
    is_rare_cjk = 0x20000 <= code <= 0x2CEAF or 0x2F800 <= code <= 0x2FA1F
    return is_ascii_mark or is_cjk or is_rare_cjk or unicodedata.category(character)[0] == "P"
