"""One seat's opening of a batch, as workers hand it to each other over HTTP."""

import json
import re
from dataclasses import dataclass
from enum import Enum

from worker.errors import InvalidBlobError
from worker.protocol.manifest import canonical
from worker.types import OperatorId

MAX_VALUES = 32
MAX_BYTES = 4096  # of an encoded opening
_WORD = re.compile("0x[0-9a-f]{64}")


class NoOpening(Enum):
    """Why a worker has no opening to show."""

    UNKNOWN = "unknown"
    TOO_EARLY = "too_early"  # not all seats are sealed at confirmation depth


@dataclass(frozen=True)
class Opening:
    """What `reveal` and `conclude` need of one seat: its values, one a task, and its salt."""

    operator: OperatorId
    round: int
    values: tuple[bytes, ...]
    salt: bytes

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return canonical(
            {
                "operator": self.operator,
                "round": self.round,
                "values": [f"0x{value.hex()}" for value in self.values],
                "salt": f"0x{self.salt.hex()}",
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "Opening":
        """Read what a stranger sent. Raises InvalidBlobError; the seal decides if it is true."""
        try:
            found = json.loads(data)
            opening = cls(
                operator=OperatorId(_number(found["operator"], 1 << 24)),
                round=_number(found["round"], 8),
                values=tuple(_word(value) for value in found["values"]),
                salt=_word(found["salt"]),
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidBlobError("opening: not in its format") from error
        if not 1 <= len(opening.values) <= MAX_VALUES:
            raise InvalidBlobError(f"opening: between 1 and {MAX_VALUES} values expected")
        return opening


def _number(value: object, below: int) -> int:
    if type(value) is not int or not 0 <= value < below:
        raise ValueError
    return value


def _word(value: object) -> bytes:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError
    return bytes.fromhex(value[2:])
