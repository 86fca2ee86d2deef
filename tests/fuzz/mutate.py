"""Changes inputs by what they are made of: bytes, JSON, lines of JSON, text."""

import json
import math
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.fuzz.target import MAX_BYTES, Form

_NUMBERS = (
    0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096,
    (1 << 15) - 1, 1 << 15, (1 << 16) - 1, 1 << 16, 1 << 20, (1 << 24) - 1, 1 << 24,
    (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 40) - 1, (1 << 53) + 1,
    (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 1 << 128, (1 << 255) - 1, (1 << 256) - 1,
    1 << 256, 10**18, 10**77,
)  # fmt: skip
_TEXTS = (
    "", " ", "0", "-1", "0x", "0x0", "0xg", "null", "a" * 300, "\n", "\r\n", "\0", "\x7f", "\ud800",
    "é", "\uff11", "\u2028", "🙂", "..", "../x", "/", "//", "{", "}", "{{", "{digest}", "%", "%00",
    "0x" + "f" * 64, "0x" + " " * 64, "0x" + "0" * 65, "f" * 64, "1e400", "NaN", "http://[::1",
    "http://a:99999/", "#" + "0" * 64,
)  # fmt: skip
_DEPTHS = (2, 17, 64, 190, 210, 900, 960, 990, 1_010, 5_000)
_NUMBER = re.compile(rb"\d+")
_MARK = "nested-so-deep"
_NESTED = re.compile(r'\{"nested-so-deep": ?(\d+)\}')
_ORDERS = ("big", "little")


class Mutator:
    """Makes inputs out of a corpus; the same numbers from the generator make the same inputs."""

    def __init__(self, form: Form, corpus: Sequence[bytes], tokens: Sequence[bytes] = ()) -> None:
        """Begin with at least one input."""
        self._form = form
        self._corpus = list(corpus) or [b""]
        self._tokens = list(tokens)

    def make(self, random: Random) -> bytes:
        """Return a changed input out of the corpus."""
        return self.change(random.choice(self._corpus), random)

    def change(self, data: bytes, random: Random) -> bytes:
        """Return `data` changed at one to four places."""
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
            changed = self._change_once(data, random)
            data = changed if len(changed) <= MAX_BYTES else changed[:MAX_BYTES]
        return data

    def _change_once(self, data: bytes, random: Random) -> bytes:
        structured = random.random() < 0.7
        if structured and self._form is Form.JSON:
            return _change_document(data, random)
        if structured and self._form is Form.LINES:
            return _change_lines(data, random)
        if structured and self._form is Form.TEXT:
            return self._change_text(data, random)
        return self._change_bytes(data, random)

    def _change_bytes(self, data: bytes, random: Random) -> bytes:
        kind = random.randrange(7)
        at = random.randrange(len(data) + 1)
        size = min(len(data) - at, random.choice((1, 1, 2, 4, 8, 16, 192)))
        if kind == 0 and data:
            bent = bytearray(data)
            bent[at % len(data)] ^= 1 << random.randrange(8)
            return bytes(bent)
        if kind == 1:
            return data[:at] + random.randbytes(size) + data[at + size :]
        if kind == 2:
            return data[:at] + _packed(random) + data[at + size :]
        if kind == 3:
            return data[:at] + data[at + size :]
        if kind == 4:
            return data[:at] + data[at : at + size] * random.choice((2, 3, 50)) + data[at + size :]
        if kind == 5:
            other = random.choice(self._corpus)
            start = random.randrange(len(other) + 1)
            return data[:at] + other[start : start + random.randrange(256)] + data[at + size :]
        return data[:at]

    def _change_text(self, data: bytes, random: Random) -> bytes:
        kind = random.randrange(5)
        if kind == 0 and (numbers := list(_NUMBER.finditer(data))):
            found = random.choice(numbers)
            number = str(random.choice(_NUMBERS)).encode()
            return data[: found.start()] + number + data[found.end() :]
        if kind == 1 and self._tokens:
            at = random.randrange(len(data) + 1)
            return data[:at] + random.choice(self._tokens) + data[at:]
        if kind == 2:
            lines = data.split(b"\n")
            lines.insert(random.randrange(len(lines)), random.choice(lines))
            return b"\n".join(lines)
        if kind == 3:
            lines = data.split(b"\n")
            lines.pop(random.randrange(len(lines)))
            return b"\n".join(lines)
        words = re.split(rb"(\W)", data)
        words[random.randrange(len(words))] = _text(random).encode("utf-8", "surrogatepass")
        return b"".join(words)


def _packed(random: Random) -> bytes:
    size = random.choice((1, 2, 4, 8, 32))
    number = random.choice(_NUMBERS) % (1 << 8 * size)
    return number.to_bytes(size, random.choice(_ORDERS))  # type: ignore[arg-type]


def _text(random: Random) -> str:
    return random.choice((*_TEXTS, *map(str, _NUMBERS), *map(hex, _NUMBERS)))


def _change_lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    kind = random.randrange(4)
    if kind == 0:
        lines.insert(at, random.choice(lines))
    elif kind == 1:
        lines.pop(at)
    else:
        lines[at] = _change_document(lines[at], random)
    return b"\n".join(lines)


def _change_document(data: bytes, random: Random) -> bytes:
    try:
        return _change_json(data, random)
    except (RecursionError, ValueError):  # too deep for the library, or a node put into itself
        return data


def _change_json(data: bytes, random: Random) -> bytes:
    """Change one node of a document; what is not JSON is replaced by some that is."""
    try:
        document = json.loads(data)
    except ValueError:
        document = _value(random)
    places = list(_places(document))
    if not places or random.random() < 0.02:
        return _dump(_value(random), random)
    holder, key = random.choice(places)
    kind = random.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[_text(random)] = holder.pop(key)
    elif kind == 2:
        other, place = random.choice(places)
        holder[key] = other[place]
    elif kind == 3 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * random.choice((1, 2, 40))
    elif kind == 4 and isinstance(holder[key], str):
        holder[key] = _change_string(holder[key], random)
    else:
        holder[key] = _value(random)
    return _dump(document, random)


def _places(document: Any) -> Any:
    """Yield every (container, key) of a document."""
    stack = [document]
    while stack:
        holder = stack.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if (
            isinstance(holder, list)) else ()  # fmt: skip
        for key in keys:
            yield holder, key
            stack.append(holder[key])


def _change_string(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    kind = random.randrange(4)
    if kind == 0:
        return text[:at] + random.choice("0123456789abcdefxXg \n\0é-_./") + text[at + 1 :]
    if kind == 1:
        return text[:at] + _text(random) + text[at:]
    if kind == 2:
        return text[:at]
    return text + text[:at]


def _value(random: Random) -> Any:
    kind = random.randrange(8)
    if kind == 0:
        return random.choice((None, True, False, [], {}))
    if kind == 1:
        return random.choice(_NUMBERS)
    if kind == 2:
        return -random.choice(_NUMBERS)
    if kind == 3:
        return random.choice((0.5, -0.0, 1e308, math.nan, math.inf))
    if kind == 4:
        return hex(random.choice(_NUMBERS))
    if kind == 5:
        return _text(random)
    if kind == 6:
        return _Nested(random.choice(_DEPTHS))
    return [random.choice(_NUMBERS)] * random.choice((1, 3, 300))


class _Nested(dict[str, Any]):
    """Stands for a document too deep for the library that writes it."""

    def __init__(self, depth: int) -> None:
        super().__init__({_MARK: depth})


def _dump(document: Any, random: Random) -> bytes:
    """Write JSON, mostly in canonical form; nested markers become what they stand for."""
    if random.random() < 0.8:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    else:
        text = json.dumps(document)
    if _MARK in text:
        text = _NESTED.sub(_nest, text)
    return text.encode("utf-8", "surrogatepass")


def _nest(found: re.Match[str]) -> str:
    depth = min(int(found[1]), _DEPTHS[-1])
    return "[" * depth + "]" * depth
