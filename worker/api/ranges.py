"""The Range header of RFC 9110: which bytes of a blob are wanted."""

import re
from dataclasses import dataclass

MAX_RANGES = 8
_ITEM = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18})")


@dataclass(frozen=True)
class Range:
    """Bytes `start` to `start + length`."""

    start: int
    length: int

    def told(self, size: int) -> str:
        """Return the value of Content-Range for a blob of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_ranges(header: str | None, size: int) -> list[Range] | None:
    """Return the wanted ranges; None for the whole blob, an empty list if none can be given.

    A malformed header counts as none, as the RFC asks. More than 8 ranges, or ranges that add up to
    more than the blob, cannot be given.
    """
    unit, _, items = (header or "").partition("=")
    if unit.strip().lower() != "bytes":
        return None
    matches = [_ITEM.fullmatch(item.strip()) for item in items.split(",")]
    found = []
    for match in matches:
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            return None
        if wanted := _range(match, size):
            found.append(wanted)
    if len(matches) > MAX_RANGES or sum(wanted.length for wanted in found) > size:
        return []
    return found


def _range(match: re.Match[str], size: int) -> Range | None:
    if match[3] is not None:
        length = min(int(match[3]), size)
        return Range(size - length, length) if length else None
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return Range(start, end - start) if start < end else None
