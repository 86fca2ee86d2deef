# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Demand answers
@author Proofmesh
@license AGPL-3.0-only
@notice What an answer to a demand commits to (docs/tensor.md §2, §5).
"""

from ..courts.modules import descriptors
from ..courts.modules import merkle
from ..courts.modules import tensors
from . import demand_places as places

MAX_NODES: constant(uint256) = 2**places.STEP
MAX_CHUNKS: constant(uint256) = 17
MAX_BYTES: constant(uint256) = 16_400  # of a line


@internal
@pure
def _digest(place: places.Place, tensor: uint256, data: Bytes[MAX_BYTES]) -> bytes32:
    """
    @param tensor The reference of the tensor, where the place is one's top.
    @param data The descendants, one after the other, or the bytes of the line.
    @return What stands at the place, if this is what it commits to.
    """
    if place.kind == places.LINE:
        return self._line(data)
    root: bytes32 = self._root(data)
    if place.level != 0:
        return root
    if place.kind == places.TRACE:
        return tensors._trace(root)
    if place.kind == places.SEGMENT:
        return tensors._segment_trace(place.number, root)
    return tensors._digest(descriptors._ref(tensor), root)


@internal
@pure
def _root(data: Bytes[MAX_BYTES]) -> bytes32:
    """@return The root over the nodes in `data`: a power of two of them."""
    nodes: bytes32[MAX_NODES] = empty(bytes32[MAX_NODES])
    count: uint256 = len(data) // 32
    for i: uint256 in range(count, bound=MAX_NODES):
        nodes[i] = convert(slice(data, 32 * i, 32), bytes32)
    for level: uint256 in range(places.STEP):
        if count == 1:
            break
        count //= 2
        for i: uint256 in range(count, bound=MAX_NODES):
            nodes[i] = sha256(concat(0x02, nodes[2 * i], nodes[2 * i + 1]))
    return nodes[0]


@internal
@pure
def _line(data: Bytes[MAX_BYTES]) -> bytes32:
    """@return The digest of the line with these bytes."""
    chunks: bytes32[MAX_CHUNKS] = empty(bytes32[MAX_CHUNKS])
    count: uint256 = (len(data) + merkle.CHUNK - 1) // merkle.CHUNK
    for i: uint256 in range(count, bound=MAX_CHUNKS):
        start: uint256 = i * merkle.CHUNK
        size: uint256 = min(merkle.CHUNK, len(data) - start)
        chunks[i] = sha256(concat(0x00, slice(data, start, size)))
    return sha256(concat(0x01, slice(abi_encode(chunks), 0, 32 * count)))
