# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Membership
@author Proofmesh
@license AGPL-3.0-only
@notice Shows that an operator stands in a tree of named operators.
@dev leaf = keccak256(0x00 ++ id), node = keccak256(0x01 ++ left ++ right). The index fixes the side
     at each level, so a path proves one position; leaves and nodes have different tags, so that a
     node cannot pass for a leaf.
"""

LEAF: constant(Bytes[1]) = x"00"
NODE: constant(Bytes[1]) = x"01"


struct Proof:
    index: uint256
    path: DynArray[bytes32, 16]  # siblings, from the leaf up


@internal
@pure
def _is_member(root: bytes32, id: uint256, proof: Proof) -> bool:
    """@return Whether `id` is the leaf at `proof.index` of the tree under `root`."""
    node: bytes32 = keccak256(concat(LEAF, convert(id, bytes32)))
    index: uint256 = proof.index
    for sibling: bytes32 in proof.path:
        if index & 1 == 0:
            node = keccak256(concat(NODE, node, sibling))
        else:
            node = keccak256(concat(NODE, sibling, node))
        index >>= 1
    return index == 0 and node == root
