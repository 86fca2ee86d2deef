# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title lanes
@license AGPL-3.0-only
@notice What each service has locked of each operator's stake, and how much the operator allows.
@dev Amounts are gwei. A lane holds the service's standing bond and all of its job locks.
"""

from . import stake_words


event ServiceJoined:
    id: indexed(uint256)
    service: indexed(address)
    ceiling: uint256
    standing: uint256


event ServiceLeft:
    id: indexed(uint256)
    service: indexed(address)
    release_at: uint256  # from when `release_standing` may be called


event StandingReleased:
    id: indexed(uint256)
    service: indexed(address)
    amount: uint256


event StandingForfeited:
    id: indexed(uint256)
    service: indexed(address)
    amount: uint256


event LaneVoided:
    id: indexed(uint256)
    service: indexed(address)
    amount: uint256


PER_WORD: constant(uint256) = 2
LAST_WORD: constant(uint256) = 3
ALL: constant(uint256) = 2**8 - 1  # services
U64: constant(uint256) = 2**64 - 1

# By id << 2 | word; 2 × (locked, gwei 64 | limit, gwei 64). The limit is the ceiling while new
# locks are allowed, else 0: a lock finds all it must know of the lane in one slot.
lane_word: HashMap[uint256, uint256]
opt_in_word: HashMap[uint256, uint256]  # by id << 8 | service's index


@external
@view
def locked_of(id: uint256) -> uint256:
    """@return What all services together have locked of operator `id`, gwei."""
    return self._locked(id, LAST_WORD, ALL)


@internal
@view
def _opt_in(id: uint256, index: uint256) -> stake_words.OptIn:
    return stake_words._opt_in(self.opt_in_word[id << 8 | index])


@internal
@view
def _lane(id: uint256, index: uint256) -> uint256:
    return (self.lane_word[self._slot(id, index)] >> self._offset(index)) & U64


@internal
@view
def _locked(id: uint256, reach: uint256, services: uint256) -> uint256:
    """@return What the services of a mask have locked; `reach` is the last word in use."""
    locked: uint256 = 0
    mask: uint256 = services
    for number: uint256 in range(reach + 1, bound=4):
        word: uint256 = self.lane_word[id << 2 | number]
        locked += (word & U64) * (mask & 1) + ((word >> 128) & U64) * ((mask >> 1) & 1)
        mask = mask >> 2
    return locked


@internal
def _join(id: uint256, index: uint256, service: address, ceiling: uint256, bond: uint256) -> bool:
    """
    @notice Allow locks up to `ceiling`; the first time also lock the standing bond.
    @return Whether it was the first time.
    """
    opt_in: stake_words.OptIn = self._opt_in(id, index)
    is_new: bool = opt_in.ceiling == 0
    lane: uint256 = self._lane(id, index)
    if is_new:
        opt_in.standing = bond
        lane += bond
    if ceiling == 0 or ceiling < opt_in.standing:
        self._low_ceiling()
    opt_in.ceiling = ceiling
    opt_in.left_at = 0
    self.opt_in_word[id << 8 | index] = stake_words._opt_in_word(opt_in)
    self._set_lane(id, index, lane, ceiling)
    log ServiceJoined(id=id, service=service, ceiling=ceiling, standing=opt_in.standing)
    return is_new


@internal
def _leave(id: uint256, index: uint256, service: address, max_lock: uint256):
    opt_in: stake_words.OptIn = self._opt_in(id, index)
    if opt_in.ceiling == 0 or opt_in.left_at != 0:
        self._not_joined()
    opt_in.left_at = block.timestamp
    self.opt_in_word[id << 8 | index] = stake_words._opt_in_word(opt_in)
    self._set_lane(id, index, self._lane(id, index), 0)
    log ServiceLeft(id=id, service=service, release_at=block.timestamp + max_lock)


@internal
def _release_standing(id: uint256, index: uint256, service: address, max_lock: uint256):
    opt_in: stake_words.OptIn = self._opt_in(id, index)
    if opt_in.left_at == 0:
        self._not_left()
    if block.timestamp < opt_in.left_at + max_lock:
        self._too_early()
    amount: uint256 = self._lane(id, index)
    # More than the bond is a job that nobody has settled yet.
    if amount > opt_in.standing:
        self._job_locked()
    self._clear(id, index)
    log StandingReleased(id=id, service=service, amount=amount)


@internal
def _forfeit(id: uint256, index: uint256, service: address) -> uint256:
    """
    @notice End an opt-in and take its standing bond out of the lane; what jobs locked stays.
    @return The bond; less if the service settled more than its jobs locked, 0 without an opt-in.
    """
    opt_in: stake_words.OptIn = self._opt_in(id, index)
    if opt_in.ceiling == 0:
        return 0
    lane: uint256 = self._lane(id, index)
    amount: uint256 = min(lane, opt_in.standing)
    self._forget(id, index)
    self._set_lane(id, index, lane - amount, 0)
    log StandingForfeited(id=id, service=service, amount=amount)
    return amount


@internal
def _void(id: uint256, index: uint256, service: address):
    amount: uint256 = self._lane(id, index)
    self._clear(id, index)
    log LaneVoided(id=id, service=service, amount=amount)


@internal
def _lock(id: uint256, index: uint256, amount: uint256, reach: uint256) -> uint256:
    """@return What all services together have locked afterwards."""
    slot: uint256 = id << 2 | index >> 1
    offset: uint256 = (index & 1) << 7
    word: uint256 = self.lane_word[slot]
    lane: uint256 = word >> offset
    limit: uint256 = (lane >> 64) & U64
    if limit == 0:
        self._not_opted_in()
    if (lane & U64) + amount > limit:
        self._above_ceiling()
    word = unsafe_add(word, amount << offset)
    self.lane_word[slot] = word
    return self._sum(word) if reach == 0 else self._locked(id, reach, ALL)


@internal
def _take(id: uint256, index: uint256, amount: uint256):
    """@notice Free `amount` of what the service has locked."""
    slot: uint256 = id << 2 | index >> 1
    offset: uint256 = (index & 1) << 7
    word: uint256 = self.lane_word[slot]
    if amount > (word >> offset) & U64:
        self._lane_holds_less()
    self.lane_word[slot] = unsafe_sub(word, amount << offset)


@internal
def _clear(id: uint256, index: uint256):
    self._set_lane(id, index, 0, 0)
    self._forget(id, index)


@internal
def _forget(id: uint256, index: uint256):
    """@notice Clear an opt-in but for when it led to a conviction."""
    place: uint256 = id << 8 | index
    self.opt_in_word[place] = (
        self.opt_in_word[place] >> stake_words.CONVICTED_AT << stake_words.CONVICTED_AT
    )


@internal
def _convict(id: uint256, index: uint256):
    """@notice Note that the service convicts the operator now."""
    place: uint256 = id << 8 | index
    others: uint256 = self.opt_in_word[place] & (2**stake_words.CONVICTED_AT - 1)
    self.opt_in_word[place] = others | block.timestamp << stake_words.CONVICTED_AT


@internal
@view
def _convicted_at(id: uint256, services: uint256) -> uint256:
    """@return When any of the first `services` convicted operator `id` last, 0 for never."""
    latest: uint256 = 0
    for index: uint256 in range(services, bound=8):
        latest = max(latest, self.opt_in_word[id << 8 | index] >> stake_words.CONVICTED_AT)
    return latest


@internal
def _set_lane(id: uint256, index: uint256, amount: uint256, limit: uint256):
    slot: uint256 = self._slot(id, index)
    offset: uint256 = self._offset(index)
    others: uint256 = self.lane_word[slot] & ~((2**128 - 1) << offset)
    self.lane_word[slot] = others | (amount | limit << 64) << offset


@internal
@pure
def _slot(id: uint256, index: uint256) -> uint256:
    return id << 2 | index >> 1


@internal
@pure
def _offset(index: uint256) -> uint256:
    return (index & 1) << 7


@internal
@pure
def _sum(word: uint256) -> uint256:
    return unsafe_add(word & U64, (word >> 128) & U64)


@internal
@pure
def _low_ceiling():
    raise "staking: ceiling below the bond"


@internal
@pure
def _not_joined():
    raise "staking: service not joined"


@internal
@pure
def _not_left():
    raise "staking: service not left"


@internal
@pure
def _too_early():
    raise "staking: bond not yet free"


@internal
@pure
def _job_locked():
    raise "staking: a job is still locked"


@internal
@pure
def _not_opted_in():
    raise "staking: operator not opted in"


@internal
@pure
def _above_ceiling():
    raise "staking: above the opt-in ceiling"


@internal
@pure
def _lane_holds_less():
    raise "staking: lane holds less"
