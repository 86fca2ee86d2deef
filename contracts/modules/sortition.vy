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
def _is_eligible(
    ticket: uint256,
    seats: uint256,
    elapsed: uint256,
    window: uint256,
    weight: uint256,
    total: uint256,
) -> bool:
    """
    @notice Whether a ticket of 128 bits is below weight / total of what is released.
    @param elapsed Seconds into the claim window of `window` seconds; less than that.
    """
    # At most 28 seats of 32-bit weights, and 56 bits of total weight: nothing overflows.
    released: uint256 = seats << (unsafe_mul(elapsed, 3) // window)
    return unsafe_mul(ticket, total) < unsafe_mul(released, weight) << 128


@internal
@view
def _height(source: address) -> uint256:
    """@param source The zero address for the chain's own blocks."""
    return block.number if source == empty(address) else staticcall ISeedSource(source).height()


@internal
@view
def _capture(source: address, height: uint256, bits: uint256) -> uint256:
    """
    @notice The seed drawn at `height`, or at the height it has lapsed to.
    @param source The zero address for the chain's own blocks.
    @param bits How many low bits of the block's hash are kept.
    """
    current: uint256 = self._height(source)
    at: uint256 = height
    for _: uint256 in range(LAPSES):
        if current > at + REACH:
            at += REACH
    if current <= at:
        reverts._fail("jobs: seed pending")
    if current > at + REACH:
        reverts._fail("jobs: seed lapsed")
    hash: bytes32 = empty(bytes32)
    if source == empty(address):
        hash = blockhash(at)
    else:
        hash = staticcall ISeedSource(source).hash_of(at)
    return convert(hash, uint256) & ~(max_value(uint256) << bits)
