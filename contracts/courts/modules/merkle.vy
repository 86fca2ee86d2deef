# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Merkle
@author Proofmesh
@license AGPL-3.0-only
@notice The trees of docs/tensor.md §2: sha256, a tag of one byte before every hash.
"""

from ...modules import reverts
from . import calldata

CHUNK: constant(uint256) = 1024
MAX_DEPTH: constant(uint256) = 32


@internal
@view
def _chunk(at: uint256, size: uint256) -> bytes32:
    """@return The digest of the chunk of `size` bytes at `at`."""
    if size == CHUNK:  # spares two copies of it
        return sha256(concat(0x00, slice(msg.data, at, CHUNK)))
    return sha256(concat(0x00, calldata._run(at, size)))


@internal
@view
def _line(length: uint256, first: uint256, last: uint256, at: uint256) -> (bytes32, uint256):
    """
    @param length The bytes of the line; its chunks from first to last lie at `at`, then the
           digests of the others.
    @return The digest of the line, and where the digests end.
    """
    if length <= CHUNK:
        return sha256(concat(0x01, self._chunk(at, length))), at + length
    count: uint256 = (length + CHUNK - 1) // CHUNK
    chunk: uint256 = at
    digest: uint256 = at + min((last + 1) * CHUNK, length) - first * CHUNK
    chunks: bytes32[17] = empty(bytes32[17])
    for i: uint256 in range(count, bound=17):
        if first <= i and i <= last:
            chunks[i] = self._chunk(chunk, min(CHUNK, length - i * CHUNK))
            chunk += CHUNK
        else:
            chunks[i] = convert(calldata._word(digest), bytes32)
            digest += 32
    return sha256(concat(0x01, slice(abi_encode(chunks), 0, 32 * count))), digest


@internal
@pure
def _depth(leaves: uint256) -> uint256:
    """@return How many levels lie above the leaves of a tree over so many."""
    for depth: uint256 in range(MAX_DEPTH):
        if 1 << depth >= leaves:
            return depth
    return MAX_DEPTH


@internal
@pure
def _padding(height: uint256) -> bytes32:
    """@return The node so many levels above leaves that all fill up."""
    node: bytes32 = empty(bytes32)
    for i: uint256 in range(height, bound=MAX_DEPTH):
        node = sha256(concat(0x02, node, node))
    return node


@internal
@view
def _climb(leaf: bytes32, index: uint256, leaves: uint256, at: uint256) -> (bytes32, uint256):
    """
    @param index Where the leaf stands in the tree over `leaves` leaves and their padding.
    @param at Where the leaf's path lies: a sibling for each level, the lowest first.
    @return The root over the leaf, and where the path ends.
    """
    node: bytes32 = leaf
    path: uint256 = index
    place: uint256 = at
    for level: uint256 in range(MAX_DEPTH):
        if 1 << level >= leaves:
            break
        if path & 1 == 0:
            node = sha256(concat(0x02, node, slice(msg.data, place, 32)))
        else:
            node = sha256(concat(0x02, slice(msg.data, place, 32), node))
        path >>= 1
        place = unsafe_add(place, 32)  # a slice of msg.data lies within it
    if path != 0:
        reverts._fail("merkle: outside of the tree")
    return node, place
