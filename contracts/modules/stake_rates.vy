# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title stake_rates
@license AGPL-3.0-only
@notice What the owner of Courts may set, within bounds that nobody can move.
@dev None of it reaches into a job that was posted.
"""


event LeastAuditSet:
    bps: uint256


event CaptureSet:
    bps: uint256


event GasPriceSet:
    price: uint256  # wei of the network token


event RateSet:
    token: indexed(uint256)
    rate: uint256  # wei of the network token for 10^18 units


ONE: constant(uint256) = 10**18
ONE_GWEI: constant(uint256) = 10**9
MIN_AUDIT: constant(uint256) = 100
MAX_AUDIT: constant(uint256) = 10_000
MAX_CAPTURE: constant(uint256) = 9_000
MAX_GAS_PRICE: constant(uint256) = 10**15
U16: constant(uint256) = 2**16 - 1
U96: constant(uint256) = 2**96 - 1

# One slot, for every posting reads all: least audit bps 16 | capture bps 16 | gas price 64
word: uint256
rates: HashMap[uint256, uint256]


@deploy
def __init__(least_audit_bps: uint256, capture_bps: uint256, gas_price: uint256):
    self._set_least_audit_bps(least_audit_bps)
    self._set_capture_bps(capture_bps)
    self._set_gas_price(gas_price)


@external
@view
def least_audit_bps() -> uint256:
    """@return The least share of a job's batches that is audited."""
    return self._least_audit_bps()


@external
@view
def capture_bps() -> uint256:
    """@return The share of audits that liars are taken to win themselves."""
    return self._capture_bps()


@external
@view
def gas_price() -> uint256:
    """@return What a unit of gas is taken to cost, wei of the network token."""
    return self._gas_price()


@external
@view
def rate_of(token: uint256) -> uint256:
    """@return Wei of the network token for 10^18 units of `token`; 0 where it is not taken."""
    return self._rate_of(token)


@internal
@view
def _least_audit_bps() -> uint256:
    return self.word & U16


@internal
@view
def _capture_bps() -> uint256:
    return (self.word >> 16) & U16


@internal
@view
def _gas_price() -> uint256:
    return self.word >> 32


@internal
@view
def _rate_of(token: uint256) -> uint256:
    return ONE if token == 0 else self.rates[token]


@internal
@view
def _rate(token: uint256) -> uint256:
    """@return As `rate_of`; reverts for a token that is not taken."""
    rate: uint256 = self._rate_of(token)
    if rate == 0:
        self._no_rate()
    return rate


@internal
@view
def _least_bond(dearest: uint256) -> uint256:
    """@return 2.5 times the price of `dearest` gas, in gwei: two fifths of it pay for the proof."""
    return (dearest * self._gas_price() * 5 + 2 * ONE_GWEI - 1) // (2 * ONE_GWEI)


@internal
def _set_least_audit_bps(bps: uint256):
    if bps < MIN_AUDIT or bps > MAX_AUDIT:
        self._bad_audit()
    self.word = (self.word & ~U16) | bps
    log LeastAuditSet(bps=bps)


@internal
def _set_capture_bps(bps: uint256):
    if bps > MAX_CAPTURE:
        self._bad_capture()
    self.word = (self.word & ~(U16 << 16)) | bps << 16
    log CaptureSet(bps=bps)


@internal
def _set_gas_price(price: uint256):
    if price == 0 or price > MAX_GAS_PRICE:
        self._bad_price()
    self.word = (self.word & (2**32 - 1)) | price << 32
    log GasPriceSet(price=price)


@internal
def _set_rate(token: uint256, rate: uint256):
    if token == 0 or token > U16 or rate > U96:
        self._bad_rate()
    self.rates[token] = rate
    log RateSet(token=token, rate=rate)


@internal
@pure
def _no_rate():
    raise "courts: token has no rate"


@internal
@pure
def _bad_audit():
    raise "courts: audit share out of bounds"


@internal
@pure
def _bad_capture():
    raise "courts: capture out of bounds"


@internal
@pure
def _bad_price():
    raise "courts: gas price out of bounds"


@internal
@pure
def _bad_rate():
    raise "courts: rate out of bounds"
