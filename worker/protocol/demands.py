"""Twins of Demands: what is demanded of a seat, and for which bond (docs/protocol.md §5)."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Self

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.protocol.provable_words import seat_key
from worker.types import Wei

PARTIES = 8
"""Of the 31 demands that may be open on a seat, those that strangers leave to the parties."""

ANSWER_GAS = 210_000
BYTE_GAS = 36

_SEAT, _PLACE = "(uint256,uint256,uint256,uint256)", "(uint256,uint256,uint256,uint256)"
_EXPECTED, _BOND = "(bytes32,uint256,uint256)", "(uint256,uint256,uint256)"
_DEMAND = f"({_SEAT},{_PLACE},{_EXPECTED},{_BOND})"


class Kind(IntEnum):
    """What a place is in: nodes of three kinds of trees, or the bytes of a tensor's line."""

    TRACE = 0
    SEGMENT = 1
    TENSOR = 2
    LINE = 3


class Seat(NamedTuple):
    """Who opened the trace that is asked about, and of which task, counted over the job."""

    batch: int
    round: int
    operator: int
    task: int


class Place(NamedTuple):
    """Where: `number` is the segment, or the tensor's operator, or 0; levels count from the root.

    A line's level is the depth of its tensor's tree.
    """

    kind: Kind
    number: int
    level: int
    position: int


class Expected(NamedTuple):
    """What an answer must hash to, the tensor's reference, and how many bytes it has."""

    digest: bytes
    tensor: int
    size: int


class Bond(NamedTuple):
    """Before when to answer, wei of the network token, and Escrow's fee."""

    due: int
    amount: Wei
    fee_bps: int


class Demand(NamedTuple):
    """A demand as it is logged, and brought back to answer or to close."""

    seat: Seat
    place: Place
    expected: Expected
    bond: Bond

    @classmethod
    def of(cls, members: Sequence[Sequence[Any]]) -> Self:
        """Read the `demand` of a TraceDemanded event."""
        seat, (kind, *where), expected, (due, amount, fee_bps) = members
        place = Place(Kind(kind), *where)
        return cls(Seat(*seat), place, Expected(*expected), Bond(due, Wei(amount), fee_bps))

    @property
    def record(self) -> bytes:
        """What the contract keeps of it while it is open."""
        return keccak(encode([_DEMAND], [self]))

    @property
    def is_segments_top(self) -> bool:
        """Whether the answer fixes a segment's trace: only the seat's own operator may give it."""
        return self.place.kind is Kind.SEGMENT and self.place.level == 0


def demand_id(job: bytes, seat: Seat, place: Place) -> bytes:
    """Return what the demand for a place of a seat is known by: there is one, ever."""
    slot = seat_key(job, seat.batch, seat.round, seat.operator)
    return keccak(encode(["bytes32", "uint256", _PLACE], [slot, seat.task, place]))


def bond_for(size: int, gas_price: int) -> Wei:
    """Return the bond for an answer of so many bytes at Courts' governed price of gas."""
    return Wei(-(-3 * (ANSWER_GAS + BYTE_GAS * size) * gas_price // 2))
