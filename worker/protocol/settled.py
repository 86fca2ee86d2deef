"""What a settlement leaves: the values that stand, and who owes their outputs.

Section 1 of docs/protocol.md. Services keep only the hash; whoever must prove one brings the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.protocol.words import MAX_SEATS, unpack_fields
from worker.types import OperatorId, Timestamp

_ID_BITS = 24


@dataclass(frozen=True)
class Result:
    """The `values` of the tasks in `mask`, ascending, that stood when they were settled.

    `servers` are the operators that were paid for every one of these tasks, in the seats' order.
    """

    mask: int
    values: tuple[bytes, ...]
    servers: tuple[OperatorId, ...]
    settled_at: Timestamp

    @classmethod
    def of_event(cls, args: Mapping[str, Any]) -> "Result":
        """Return the result that a BatchSettled event tells."""
        ids = unpack_fields((_ID_BITS,) * MAX_SEATS, args["servers"])
        return cls(
            args["paid_mask"],
            tuple(args["values"]),
            tuple(OperatorId(operator) for operator in ids if operator),
            Timestamp(args["settled_at"]),
        )

    @property
    def packed_servers(self) -> int:
        """The servers in the contract's word, the first in the lowest 24 bits."""
        return sum(operator << _ID_BITS * seat for seat, operator in enumerate(self.servers))

    def members(self) -> tuple[int, list[bytes], int, int]:
        """Return the contract's Result, for a call."""
        return self.mask, list(self.values), self.packed_servers, self.settled_at

    def digest(self) -> bytes:
        """Return what the contract keeps."""
        return keccak(encode(["uint256", "bytes32[]", "uint256", "uint256"], self.members()))
