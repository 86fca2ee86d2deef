# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title commissions
@license AGPL-3.0-only
@notice What operators keep of the part of their income that delegated stake earns.
"""


event CommissionSet:
    id: indexed(uint256)
    bps: uint256
    binds_at: uint256


BPS: constant(uint256) = 10_000
NOTICE: constant(uint256) = 7 * 86_400  # enough to leave before a higher one binds

# By operator: bps now 16 | bps to come 16 | when those bind 40 | open 1
commission_word: HashMap[uint256, uint256]


@external
@view
def commission_of(id: uint256) -> (uint256, uint256, uint256):
    """@return Operator `id`'s commission, the one announced last, and when that one binds."""
    word: uint256 = self.commission_word[id]
    return self._commission(id), (word >> 16) & (2**16 - 1), (word >> 32) & (2**40 - 1)


@internal
@view
def _is_open(id: uint256) -> bool:
    """@return Whether the operator takes delegations."""
    return self.commission_word[id] >> 72 == 1


@internal
@view
def _commission(id: uint256) -> uint256:
    word: uint256 = self.commission_word[id]
    if block.timestamp < (word >> 32) & (2**40 - 1):
        return word & (2**16 - 1)
    return (word >> 16) & (2**16 - 1)


@internal
def _open(id: uint256, bps: uint256):
    """@notice Take delegations from now on, for this commission."""
    if self._is_open(id):
        self._already_open()
    self._set(id, bps, bps, block.timestamp)


@internal
def _announce(id: uint256, bps: uint256):
    """@notice Have another commission bind after the notice."""
    if not self._is_open(id):
        self._not_open()
    self._set(id, self._commission(id), bps, block.timestamp + NOTICE)


@internal
def _set(id: uint256, now: uint256, bps: uint256, binds_at: uint256):
    if bps > BPS:
        self._too_high()
    self.commission_word[id] = now | bps << 16 | binds_at << 32 | 1 << 72
    log CommissionSet(id=id, bps=bps, binds_at=binds_at)


@internal
@pure
def _already_open():
    raise "delegation: pool is open"


@internal
@pure
def _not_open():
    raise "delegation: pool is not open"


@internal
@pure
def _too_high():
    raise "delegation: commission above 100 %"
