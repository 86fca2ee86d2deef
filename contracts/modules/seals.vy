# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Seals
@author Proofmesh
@license AGPL-3.0-only
@notice Results that are fixed before they are shown.
@dev A record is written once when a seat seals and once when it opens. It is keyed by its round and
     cleared only with the settlement that makes its batch final, which takes no seal any more: so a
     seat cannot seal again after seeing another's result.
"""

OPENED: constant(uint256) = 1 << 255
FAILED: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

# seal key -> digest 255 | opened 1
records: HashMap[bytes32, uint256]


@internal
@pure
def _key(job: bytes32, batch: uint256, number: uint256, id: uint256) -> bytes32:
    """@return Where the seal of operator `id` for round `number` of the batch is kept."""
    return keccak256(abi_encode(job, batch, number, id))


@internal
@pure
def _digest(
    job: bytes32, batch: uint256, number: uint256, id: uint256, values: bytes32, salt: bytes32
) -> uint256:
    """
    @param values The hash of the values, `_hash`.
    @return The part of the seal that is kept before its opening.
    """
    return self._kept(keccak256(abi_encode(job, batch, number, id, values, salt)))


@internal
@pure
def _hash(values: DynArray[bytes32, 32]) -> bytes32:
    """@return What a seal binds and an opened record keeps of a list of values."""
    return keccak256(abi_encode(values))


@internal
@pure
def _kept(digest: bytes32) -> uint256:
    return convert(digest, uint256) & (OPENED - 1)


@internal
@pure
def _is_opened(record: uint256) -> bool:
    return record & OPENED != 0


@internal
@pure
def _opened(values: bytes32) -> uint256:
    """@return The record of a seat that opened values with this hash."""
    return self._kept(values) | OPENED


@internal
@pure
def _blind(values: DynArray[bytes32, 32]) -> DynArray[bytes32, 32]:
    """@return v = keccak256(s) of each digest s; FAILED stays itself."""
    blinded: DynArray[bytes32, 32] = []
    for s: bytes32 in values:
        blinded.append(s if s == FAILED else keccak256(s))
    return blinded
