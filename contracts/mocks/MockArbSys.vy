# pragma version 0.4.3
"""
@title MockArbSys
@license AGPL-3.0-only
@notice Test only: stands at Arbitrum's address 0x64; block n has the hash keccak256(n).
"""


@external
@view
def arbBlockNumber() -> uint256:
    return 1_000


@external
@view
def arbBlockHash(number: uint256) -> bytes32:
    return keccak256(convert(number, bytes32))
