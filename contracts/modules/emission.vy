# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title emission
@license AGPL-3.0-only
@notice How much is minted for whom: a part, always less than all, of what was burnt of the fees on
        an operator's own earnings, epoch by epoch.
@dev Whoever pays whom, the two together burn more than they are given: there is nothing to gain by
     paying oneself. What is earned vests 30 days after its epoch is closed; a conviction from the
     epoch's beginning on leaves nothing of what is not claimed.
"""


event FeesBurnt:
    id: indexed(uint256)
    epoch: indexed(uint256)
    amount: uint256  # wei


event EpochClosed:
    epoch: indexed(uint256)
    burnt: uint256  # wei
    rate_bps: uint256
    vests_at: uint256


BPS: constant(uint256) = 10_000
VESTING: constant(uint256) = 30 * 86_400
MAX_EPOCH: constant(uint256) = 30 * 86_400

EPOCH: immutable(uint256)

burnt_in: public(HashMap[uint256, uint256])  # by epoch, wei
burnt_of: public(HashMap[uint256, HashMap[uint256, uint256]])  # by epoch and operator, not claimed
# By epoch: rate, bps 16 | vests_at 40; 0 until it is closed
closed_word: HashMap[uint256, uint256]


@deploy
def __init__(epoch: uint256):
    """@param epoch Seconds; fixed for ever."""
    if epoch == 0 or epoch > MAX_EPOCH:
        self._bad_epoch()
    EPOCH = epoch


@external
@view
def epoch_length() -> uint256:
    """@return The length of an epoch, in seconds."""
    return EPOCH


@external
@view
def closed(epoch: uint256) -> (uint256, uint256):
    """@return The rate of a closed epoch, bps, and when its emission vests; zeroes before."""
    return self._closed(epoch)


@internal
@view
def _now() -> uint256:
    return block.timestamp // EPOCH


@internal
@view
def _closed(epoch: uint256) -> (uint256, uint256):
    word: uint256 = self.closed_word[epoch]
    return word & (2**16 - 1), word >> 16


@internal
def _burn(id: uint256, amount: uint256):
    """@notice Note what was burnt of the fees on operator `id`'s earnings."""
    epoch: uint256 = self._now()
    self.burnt_in[epoch] += amount
    self.burnt_of[epoch][id] += amount
    log FeesBurnt(id=id, epoch=epoch, amount=amount)


@internal
def _close(epoch: uint256, rate_bps: uint256):
    """@notice Fix what an epoch that is over gives."""
    if epoch >= self._now():
        self._not_over()
    if self.closed_word[epoch] != 0:
        self._is_closed()
    vests_at: uint256 = block.timestamp + VESTING
    self.closed_word[epoch] = rate_bps | vests_at << 16
    log EpochClosed(epoch=epoch, burnt=self.burnt_in[epoch], rate_bps=rate_bps, vests_at=vests_at)


@internal
def _take(id: uint256, epoch: uint256, convicted_at: uint256) -> uint256:
    """
    @param convicted_at When the operator was convicted last.
    @return What the epoch gives to operator `id`, which is gone from here, in wei.
    """
    rate_bps: uint256 = 0
    vests_at: uint256 = 0
    rate_bps, vests_at = self._closed(epoch)
    if vests_at == 0:
        self._not_closed()
    if block.timestamp < vests_at:
        self._not_vested()
    if convicted_at >= epoch * EPOCH:
        self._convicted()
    amount: uint256 = self.burnt_of[epoch][id] * rate_bps // BPS
    if amount == 0:
        self._nothing()
    self.burnt_of[epoch][id] = 0
    return amount


@internal
@pure
def _bad_epoch():
    raise "rewards: epoch out of bounds"


@internal
@pure
def _not_over():
    raise "rewards: epoch is not over"


@internal
@pure
def _is_closed():
    raise "rewards: epoch is closed"


@internal
@pure
def _not_closed():
    raise "rewards: epoch is not closed"


@internal
@pure
def _not_vested():
    raise "rewards: not vested"


@internal
@pure
def _convicted():
    raise "rewards: operator was convicted"


@internal
@pure
def _nothing():
    raise "rewards: nothing to claim"
