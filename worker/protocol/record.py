"""The execution record: what operators agree on, and its digest."""

from dataclasses import dataclass
from enum import IntEnum

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from worker.errors import VerificationError


class ExitClass(IntEnum):
    """How a run ended. Each is a property of program and input, never of the host."""

    OK = 0
    EXIT = 1  # the program left with a code other than 0
    TRAP = 2  # unreachable, division by zero, access out of bounds, …
    OUT_OF_FUEL = 3
    OUTPUT_LIMIT = 4  # more output, files or log than the terms allow


RECORD_BYTES = 6 * 32
"""Size of an encoded record."""

_TYPES = ["uint8", "uint32", "uint64", "bytes32", "uint64", "bytes32"]

FAILED = (1).to_bytes(32, "big")
"""Opened in place of a value by a seat whose host could not finish the run."""


@dataclass(frozen=True)
class Record:
    """One task's outcome, the same on every honest machine.

    `output_root` is the chunk root of the output bundle (see bundle.py), of `output_bytes` bytes.
    `memory_digest` is the sha256 of the final linear memory when the run did not end OK, so that
    such an outcome cannot be guessed; it is zero after OK.
    """

    exit_class: ExitClass
    exit_code: int
    fuel: int
    output_root: bytes
    output_bytes: int
    memory_digest: bytes

    def encode(self) -> bytes:
        """Return the ABI encoding, six words in the order of the fields."""
        return encode(
            _TYPES,
            [
                int(self.exit_class),
                self.exit_code,
                self.fuel,
                self.output_root,
                self.output_bytes,
                self.memory_digest,
            ],
        )

    @classmethod
    def decode(cls, data: bytes) -> "Record":
        """Read an encoding. Raises VerificationError when it is none."""
        if len(data) != RECORD_BYTES:
            raise VerificationError(f"a malformed record: {len(data)} bytes")
        try:
            exit_class, *fields = decode(_TYPES, data)
            return cls(ExitClass(exit_class), *fields)
        except (DecodingError, ValueError) as error:
            raise VerificationError(f"a malformed record: {error}") from error

    def digest(self) -> bytes:
        """Return s, the keccak of the encoding; a first round opens keccak(s), see `blind`."""
        return keccak(self.encode())


def blind(digest: bytes) -> bytes:
    """Return v = keccak(s), or FAILED unchanged: what first-round seats open and contracts keep."""
    return digest if digest == FAILED else keccak(digest)
