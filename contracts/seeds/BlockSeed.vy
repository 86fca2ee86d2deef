# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title BlockSeed
@license AGPL-3.0-only
@notice Block hashes where BLOCKHASH gives the chain's own: Ethereum, OP-stack chains, local chains.
"""

from ..interfaces import ISeedSource

implements: ISeedSource

DEPTH: constant(uint256) = 256  # how far back BLOCKHASH reaches


@external
@view
def is_native() -> bool:
    """@return That the opcodes say the same."""
    return True


@external
@view
def height() -> uint256:
    """@return The number of the current block."""
    return block.number


@external
@view
def hash_of(height: uint256) -> bytes32:
    """@return The hash of block `height`, one of the last 256; reverts outside."""
    if height >= block.number or height + DEPTH < block.number:
        self._out_of_range()
    return blockhash(height)


@internal
@pure
def _out_of_range():
    raise "block_seed: out of range"
