"""The parts of a cast by their names, and how a cast is written: "honest:6,liar:2,flooder:1"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from worker.errors import UsageError

HONEST, FLOODER = "honest", "flooder"
OPERATORS = (HONEST, "liar", "lazy", "copycat", "withholder", "griefer")
"""Parts that stake; a flooder only pays for jobs."""

MOST_OPERATORS, MOST_FLOODERS = 20, 3
"""For so many the local chain has accounts."""

_PART = re.compile(r"([a-z]+):([1-9]\d?)")


@dataclass(frozen=True)
class Cast:
    """Who plays: the part of each operator by its place, and how many flooders there are."""

    operators: tuple[str, ...]
    flooders: int = 0

    @classmethod
    def parse(cls, text: str) -> "Cast":
        """Read parts with their numbers. Raises UsageError."""
        parts = list(_parts(text))
        operators = tuple(name for name, count in parts for _ in range(count) if name != FLOODER)
        flooders = sum(count for name, count in parts if name == FLOODER)
        if HONEST not in operators:
            raise UsageError("a cast needs somebody honest")
        if len(operators) > MOST_OPERATORS or flooders > MOST_FLOODERS:
            raise UsageError(f"at most {MOST_OPERATORS} operators and {MOST_FLOODERS} flooders")
        return cls(operators, flooders)


def _parts(text: str) -> Iterator[tuple[str, int]]:
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or match[1] not in (*OPERATORS, FLOODER):
            known = ", ".join((*OPERATORS, FLOODER))
            raise UsageError(f"not a part of a cast: {part!r}; write NAME:NUMBER of {known}")
        yield match[1], int(match[2])
