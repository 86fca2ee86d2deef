# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Calldata
@author Proofmesh
@license AGPL-3.0-only
@notice Reads a proof where it lies, in the call's data, so that it is never passed on by copy.
@dev `at` is a place in msg.data everywhere. A read that ends behind it reverts. Vyper slices
     msg.data by constant lengths only: shorter runs are cut out of the 1024 bytes before their end.
"""

BLOCK: constant(uint256) = 1024


@internal
@view
def _word(at: uint256) -> uint256:
    """@return The 32 bytes at `at`."""
    return convert(slice(msg.data, at, 32), uint256)


@internal
@view
def _unsigned(at: uint256, width: uint256) -> uint256:
    """@return The number of `width` bytes at `at`; at + width is 32 or more."""
    return self._word(at + width - 32) & ((1 << (8 * width)) - 1)


@internal
@view
def _signed(at: uint256, width: uint256) -> int256:
    """@return The two's complement number of `width` bytes at `at`; at + width is 32 or more."""
    word: bytes32 = convert(slice(msg.data, at + width - 32, 32), bytes32)
    spare: uint256 = unsafe_sub(256, unsafe_mul(8, width))
    return convert(word, int256) << spare >> spare


@internal
@pure
def _extended(word: uint256, width: uint256) -> int256:
    """@return The lowest `width` bytes of `word`, read as two's complement."""
    spare: uint256 = unsafe_sub(256, unsafe_mul(8, width))
    return convert(convert(word, bytes32), int256) << spare >> spare


@internal
@view
def _run(at: uint256, size: uint256) -> Bytes[1024]:
    """@return The `size` ≤ 1024 bytes at `at`; msg.data has 1024 bytes or more."""
    start: uint256 = max(at + size, BLOCK) - BLOCK
    return slice(slice(msg.data, start, BLOCK), at - start, size)


@internal
@view
def _words(at: uint256, size: uint256) -> Bytes[1056]:
    """@return The `size` ≤ 1024 bytes at `at`, and zero bytes that fill up their last word."""
    if size == BLOCK:
        return slice(msg.data, at, BLOCK)
    return concat(self._run(at, size), empty(bytes32))
