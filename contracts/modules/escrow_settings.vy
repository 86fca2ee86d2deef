# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title escrow_settings
@license AGPL-3.0-only
@notice What the owner of Escrow may set: fee, sink, guardian, listed tokens, a pause that lapses.
"""


event FeeSet:
    fee_bps: uint256


event FeeSinkSet:
    sink: indexed(address)


event GuardianSet:
    guardian: indexed(address)


event PostingsPaused:
    until: uint256


event TokenListed:
    index: indexed(uint256)
    token: indexed(address)


MAX_FEE_BPS: constant(uint256) = 1_000
MAX_PAUSE: constant(uint256) = 14 * 86_400
MAX_TOKENS: constant(uint256) = 2**16
U40: constant(uint256) = 2**40 - 1
FEE_MASK: constant(uint256) = 2**14 - 1

NETWORK_TOKEN: immutable(address)

word: uint256  # fee bps 14 | paused until 40 | guardian 160; every posting reads it
fee_sink: public(address)
listed: HashMap[uint256, address]
index_of: HashMap[address, uint256]
listed_count: uint256  # without the network token


@deploy
def __init__(token: address, fee_bps: uint256, sink: address, guardian: address):
    NETWORK_TOKEN = token
    self._set_fee_bps(fee_bps)
    self._set_fee_sink(sink)
    self._set_guardian(guardian)


@external
@view
def fee_bps() -> uint256:
    """@return The fee of agreements opened now, in hundredths of a percent."""
    return self._fee_bps()


@external
@view
def paused_until() -> uint256:
    """@return Until when new money is refused."""
    return self._paused_until()


@external
@view
def guardian() -> address:
    """@return Who may pause postings, besides the owner."""
    return self._guardian()


@external
@view
def token_at(index: uint256) -> address:
    """@return The token with this index; reverts when there is none."""
    return self._token(index)


@external
@view
def token_count() -> uint256:
    """@return How many tokens are listed, the network token included."""
    return self.listed_count + 1


@internal
@view
def _fee_bps() -> uint256:
    return self.word & FEE_MASK


@internal
@view
def _paused_until() -> uint256:
    return (self.word >> 14) & U40


@internal
@view
def _guardian() -> address:
    return convert(self.word >> 54, address)


@internal
@view
def _token(index: uint256) -> address:
    if index == 0:
        return NETWORK_TOKEN
    token: address = self.listed[index]
    if token == empty(address):
        self._not_listed()
    return token


@internal
def _list_token(token: address) -> uint256:
    if token == empty(address) or token == NETWORK_TOKEN or self.index_of[token] != 0:
        self._already_listed()
    index: uint256 = self.listed_count + 1
    if index == MAX_TOKENS:
        self._list_full()
    self.listed_count = index
    self.listed[index] = token
    self.index_of[token] = index
    log TokenListed(index=index, token=token)
    return index


@internal
def _set_fee_bps(fee_bps: uint256):
    if fee_bps > MAX_FEE_BPS:
        self._bad_fee()
    self.word = (self.word & ~FEE_MASK) | fee_bps
    log FeeSet(fee_bps=fee_bps)


@internal
def _set_fee_sink(sink: address):
    if sink == empty(address):
        self._bad_sink()
    self.fee_sink = sink
    log FeeSinkSet(sink=sink)


@internal
def _set_guardian(guardian: address):
    self.word = (self.word & (2**54 - 1)) | convert(guardian, uint256) << 54
    log GuardianSet(guardian=guardian)


@internal
def _pause(duration: uint256):
    if duration > MAX_PAUSE:
        self._long_pause()
    until: uint256 = block.timestamp + duration
    self.word = (self.word & ~(U40 << 14)) | until << 14
    log PostingsPaused(until=until)


@internal
@pure
def _not_listed():
    raise "escrow: token not listed"


@internal
@pure
def _already_listed():
    raise "escrow: token cannot be listed"


@internal
@pure
def _list_full():
    raise "escrow: token list is full"


@internal
@pure
def _bad_fee():
    raise "escrow: fee too high"


@internal
@pure
def _bad_sink():
    raise "escrow: sink is zero"


@internal
@pure
def _long_pause():
    raise "escrow: pause too long"
