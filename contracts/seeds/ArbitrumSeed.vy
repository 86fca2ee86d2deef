# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ArbitrumSeed
@license AGPL-3.0-only
@notice Block hashes of an Arbitrum chain, where block.number and BLOCKHASH follow the parent chain.
"""

from ..interfaces import ISeedSource

implements: ISeedSource


interface IArbSys:
    def arbBlockNumber() -> uint256: view
    def arbBlockHash(number: uint256) -> bytes32: view


ARB_SYS: constant(address) = 0x0000000000000000000000000000000000000064
DEPTH: constant(uint256) = 256  # how far back ArbSys reaches


@external
@view
def is_native() -> bool:
    """@return That only ArbSys knows."""
    return False


@external
@view
def height() -> uint256:
    """@return The number of the current Arbitrum block."""
    return staticcall IArbSys(ARB_SYS).arbBlockNumber()


@external
@view
def hash_of(height: uint256) -> bytes32:
    """@return The hash of Arbitrum block `height`, one of the last 256; reverts outside."""
    current: uint256 = staticcall IArbSys(ARB_SYS).arbBlockNumber()
    if height >= current or height + DEPTH < current:
        self._out_of_range()
    return staticcall IArbSys(ARB_SYS).arbBlockHash(height)


@internal
@pure
def _out_of_range():
    raise "arbitrum_seed: out of range"
