"""Twins of the demands for outputs that were paid for (docs/protocol.md §5)."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.protocol.demands import Bond
from worker.types import Address, Wei

SERVE_SECONDS = 86_400
"""How long after a settlement the last answer may be due."""

_DEBT = "(address,uint256,uint256,uint256,uint256,uint256)"
_PART = "(bytes32,uint256,uint256,uint256)"
_BOND = "(uint256,uint256,uint256)"


class Debt(NamedTuple):
    """Which piece is asked for, and of whom; the task is counted over the job.

    `number` is the program's operator that writes the output; in ReplicatedJobs 0 in the bundle, or
    1 for the execution record. `position` is that of the chunk in the bundle, or of the line in the
    tensor.
    """

    service: Address
    batch: int
    operator: int
    task: int
    number: int
    position: int


class Part(NamedTuple):
    """What an answer must show: a piece of `size` bytes under `root`.

    The root is a bundle's, of so many chunks (`leaves`), or the value that a record is behind, and
    `tensor` is 0; or a trace, and `tensor` the output's reference in the descriptor.
    """

    root: bytes
    leaves: int
    tensor: int
    size: int


class Delivery(NamedTuple):
    """A demand as it is logged, and brought back to answer or to close."""

    job: bytes
    debt: Debt
    part: Part
    bond: Bond

    @classmethod
    def of(cls, members: Sequence[Any]) -> Self:
        """Read the `delivery` of an OutputDemanded event."""
        job, debt, part, (due, amount, fee_bps) = members
        return cls(job, Debt(*debt), Part(*part), Bond(due, Wei(amount), fee_bps))

    @property
    def record(self) -> bytes:
        """What the contract keeps of it while it is open."""
        return keccak(encode([f"(bytes32,{_DEBT},{_PART},{_BOND})"], [self]))

    @property
    def id(self) -> bytes:
        """What the demand is known by: there is one for each piece and operator, ever."""
        return keccak(encode(["bytes32", _DEBT], [self.job, self.debt]))
