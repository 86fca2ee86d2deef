# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Sortition
@author Proofmesh
@license AGPL-3.0-only
@notice Who may take a seat, and when: tickets drawn from a later block's hash, released in thirds.
@dev Nobody gains by waiting or racing: the price is fixed, and at most four times the seats are
     ever released. A seed that nobody captures within 256 blocks lapses to a later, fixed block.
"""

from ..interfaces import ISeedSource
from . import reverts

REACH: constant(uint256) = 256  # how far back a block's hash can be read
LAPSES: constant(uint256) = 2


@internal
@pure
def _ticket(seed: uint256, job: bytes32, batch: uint256, id: uint256) -> uint256:
    """@return The operator's draw, 128 bits; lower is better."""
    return convert(keccak256(abi_encode(seed, job, batch, id)), uint256) >> 128


@internal
@pure
def _released(seats: uint256, elapsed: uint256, window: uint256) -> uint256:
    """@return The seats' worth of tickets released `elapsed` seconds into the claim window."""
    return seats << (elapsed * 3 // window)


@internal
@pure
def _is_eligible(ticket: uint256, released: uint256, weight: uint256, total: uint256) -> bool:
    """@return Whether a ticket of 128 bits is below weight / total of what is released."""
    return ticket * total < (released * weight) << 128


@internal
@view
def _capture(source: address, height: uint256, bits: uint256) -> uint256:
    """
    @notice The seed drawn at `height`, or at the height it has lapsed to.
    @param bits How many low bits of the block's hash are kept.
    """
    current: uint256 = staticcall ISeedSource(source).height()
    at: uint256 = height
    for _: uint256 in range(LAPSES):
        if current > at + REACH:
            at += REACH
    if current <= at:
        reverts._fail("jobs: seed pending")
    if current > at + REACH:
        reverts._fail("jobs: seed lapsed")
    hash: bytes32 = staticcall ISeedSource(source).hash_of(at)
    return convert(hash, uint256) & ((1 << bits) - 1)
