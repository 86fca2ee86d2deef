# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title incomes
@license AGPL-3.0-only
@notice What each pool's shares have earned, and what of it each delegator has yet to claim.
@dev Income per share is summed up at 1e27, what does not divide is carried to the next income, and
     what a delegator gets is rounded down: all claims together never exceed what came.
"""

SCALE: constant(uint256) = 10**27

per_share: HashMap[uint256, uint256]  # by pool and generation: wei × SCALE since its beginning
carried: HashMap[uint256, uint256]  # by pool and generation: wei × SCALE that did not divide
paid_up_to: HashMap[uint256, HashMap[address, uint256]]  # `per_share` of the delegator's last turn
owed: HashMap[uint256, HashMap[address, uint256]]  # by pool: wei


@internal
def _add(key: uint256, amount: uint256, shares: uint256):
    """@notice Divide `amount` wei among the `shares` of a pool's generation; there are some."""
    total: uint256 = amount * SCALE + self.carried[key]
    self.per_share[key] += total // shares
    self.carried[key] = total % shares


@internal
@view
def _earned(key: uint256, account: address, shares: uint256) -> uint256:
    """@return What `shares` earned since the delegator's last turn, in wei."""
    return (self.per_share[key] - self.paid_up_to[key][account]) * shares // SCALE


@internal
def _settle(id: uint256, key: uint256, account: address, shares: uint256):
    """@notice Owe the delegator what its shares earned, before they change."""
    per_share: uint256 = self.per_share[key]
    before: uint256 = self.paid_up_to[key][account]
    if per_share == before:
        return
    self.paid_up_to[key][account] = per_share
    earned: uint256 = (per_share - before) * shares // SCALE
    if earned != 0:
        self.owed[id][account] += earned


@internal
def _take(id: uint256, key: uint256, account: address, shares: uint256) -> uint256:
    """@return All that is owed to the delegator, which is gone from here."""
    amount: uint256 = self._earned(key, account, shares)
    before: uint256 = self.owed[id][account]
    if before != 0:
        amount += before
        self.owed[id][account] = 0
    if amount == 0:
        self._nothing()
    self.paid_up_to[key][account] = self.per_share[key]
    return amount


@internal
@pure
def _nothing():
    raise "delegation: nothing to claim"
