# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title parameters
@license AGPL-3.0-only
@notice What the owner of Staking may set, within bounds that nobody can move.
"""


event UnbondingSet:
    period: uint256  # seconds


event MinimumStakeSet:
    amount: uint256  # whole tokens


event WeightCapSet:
    weight: uint256


event LeverageSet:
    leverage: uint256


event GenesisSealed:
    pass


MAX_LOCK: constant(uint256) = 14 * 86_400  # no service may hold a lock for longer
GRACE: constant(uint256) = 7 * 86_400  # time to crank what MAX_LOCK ends
MAX_UNBONDING: constant(uint256) = 180 * 86_400
MAX_MINIMUM: constant(uint256) = 10**6
MAX_CAP: constant(uint256) = 2**32 - 1
MAX_LEVERAGE: constant(uint256) = 10

U8: constant(uint256) = 2**8 - 1
U32: constant(uint256) = 2**32 - 1
U40: constant(uint256) = 2**40 - 1

# All in one slot, for a new operator reads most of them: unbonding, seconds 40 | minimum stake,
# whole tokens 32 | weight cap 32 | sealed 1 | leverage 8 | mask of services that need own stake 8
word: uint256


@deploy
def __init__(unbonding: uint256, minimum_stake: uint256, weight_cap: uint256, leverage: uint256):
    self._set_unbonding(unbonding)
    self._set_minimum_stake(minimum_stake)
    self._set_weight_cap(weight_cap)
    self._set_leverage(leverage)


@external
@view
def unbonding() -> uint256:
    """@return Seconds from `unstake` until the stake can be withdrawn."""
    return self._unbonding()


@external
@view
def minimum_stake() -> uint256:
    """@return The least stake with a weight, in whole tokens."""
    return self._minimum_stake()


@external
@view
def weight_cap() -> uint256:
    """@return The most weight that one operator can have, in whole tokens."""
    return self._weight_cap()


@external
@view
def leverage() -> uint256:
    """@return How many times its own stake an operator's weight and locks may be."""
    return self._leverage()


@external
@view
def is_sealed() -> bool:
    """@return Whether the genesis list is closed and staking open."""
    return self._is_sealed()


@internal
@view
def _unbonding() -> uint256:
    return self.word & U40


@internal
@view
def _minimum_stake() -> uint256:
    return (self.word >> 40) & U32


@internal
@view
def _weight_cap() -> uint256:
    return (self.word >> 72) & U32


@internal
@view
def _is_sealed() -> bool:
    return (self.word >> 104) & 1 == 1


@internal
@view
def _leverage() -> uint256:
    return (self.word >> 105) & U8


@internal
@view
def _own_only() -> uint256:
    """@return A mask of the services, by index, whose locks need the operator's own stake."""
    return self.word >> 113


@internal
def _note_own_only(index: uint256):
    self.word |= 1 << (113 + index)


@internal
def _set_unbonding(period: uint256):
    if period <= MAX_LOCK + GRACE or period > MAX_UNBONDING:
        self._bad_unbonding()
    self.word = (self.word & ~U40) | period
    log UnbondingSet(period=period)


@internal
def _set_minimum_stake(amount: uint256):
    if amount == 0 or amount > MAX_MINIMUM:
        self._bad_minimum()
    self.word = (self.word & ~(U32 << 40)) | amount << 40
    log MinimumStakeSet(amount=amount)


@internal
def _set_weight_cap(weight: uint256):
    if weight == 0 or weight > MAX_CAP:
        self._bad_cap()
    self.word = (self.word & ~(U32 << 72)) | weight << 72
    log WeightCapSet(weight=weight)


@internal
def _set_leverage(leverage: uint256):
    if leverage == 0 or leverage > MAX_LEVERAGE:
        self._bad_leverage()
    self.word = (self.word & ~(U8 << 105)) | leverage << 105
    log LeverageSet(leverage=leverage)


@internal
def _seal():
    self._check_genesis()
    self.word |= 1 << 104
    log GenesisSealed()


@internal
@view
def _check_genesis():
    if self._is_sealed():
        self._already_sealed()


@internal
@pure
def _bad_unbonding():
    raise "staking: unbonding out of bounds"


@internal
@pure
def _bad_minimum():
    raise "staking: minimum out of bounds"


@internal
@pure
def _bad_cap():
    raise "staking: cap out of bounds"


@internal
@pure
def _bad_leverage():
    raise "staking: leverage out of bounds"


@internal
@pure
def _already_sealed():
    raise "staking: genesis is sealed"
