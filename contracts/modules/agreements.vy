# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title agreements
@license AGPL-3.0-only
@notice The agreements of Escrow: money of a payer that one service may spend until it expires.
@dev What never changes is in the key, so an agreement costs one slot. An agreement without money
     is gone. Moves no token: the deployable does.
"""

from . import credits

uses: credits


# What is opened, topped up and paid is in the service's own logs.
event AgreementReclaimed:
    agreement: indexed(bytes32)
    payer: indexed(address)
    amount: uint256


# What makes the key.
struct Agreement:
    service: address
    reference: bytes32
    token: uint256
    expiry: uint256
    fee_bps: uint256


RECLAIM_AFTER: constant(uint256) = 7 * 86_400  # from the expiry on
MAX_TERM: constant(uint256) = 366 * 86_400  # no money may be out of reach for longer
MAX_ITEMS: constant(uint256) = 7
BPS: constant(uint256) = 10_000
U24: constant(uint256) = 2**24 - 1
U96: constant(uint256) = 2**96 - 1

word_of: HashMap[bytes32, uint256]  # payer 160 | left 96


@internal
@view
def _agreement(agreement: Agreement) -> (address, uint256):
    """@return Payer and what is left."""
    word: uint256 = self.word_of[self._key(agreement)]
    return self._payer(word), word >> 160


@internal
def _open(agreement: Agreement, payer: address, amount: uint256):
    self._check_term(agreement.expiry)
    key: bytes32 = self._key(agreement)
    if self.word_of[key] != 0:
        self._exists()
    self._fund(key, payer, 0, amount)


@internal
def _top_up(agreement: Agreement, payer: address, amount: uint256):
    self._check_term(agreement.expiry)
    key: bytes32 = self._key(agreement)
    word: uint256 = self.word_of[key]
    if word == 0:
        self._gone()
    if self._payer(word) != payer:
        self._other_payer()
    self._fund(key, payer, word >> 160, amount)


@internal
def _pay(
    agreement: Agreement, items: DynArray[uint256, MAX_ITEMS], refund: uint256, burn: uint256
) -> uint256:
    """
    @notice Credit operators, then the payer, out of what is left; nothing when that is nothing.
    @return What is to be burnt, which is not booked here.
    """
    key: bytes32 = self._key(agreement)
    word: uint256 = self.word_of[key]
    left: uint256 = word >> 160
    if left == 0:
        return 0
    for item: uint256 in items:
        amount: uint256 = min((item >> 24) & U96, left)
        if amount != 0:
            fee: uint256 = unsafe_mul(amount, agreement.fee_bps) // BPS
            credits._credit_operator(item & U24, agreement.token, amount - fee, fee)
            left = unsafe_sub(left, amount)
    burnt: uint256 = min(burn, left)
    refunded: uint256 = min(refund, left - burnt)
    payer: address = self._payer(word)
    self._store(key, payer, left - burnt - refunded)
    credits._credit(payer, agreement.token, refunded)
    return burnt


@internal
def _reclaim(agreement: Agreement):
    if block.timestamp < agreement.expiry + RECLAIM_AFTER:
        self._too_early()
    key: bytes32 = self._key(agreement)
    word: uint256 = self.word_of[key]
    if word == 0:
        self._gone()
    self.word_of[key] = 0
    payer: address = self._payer(word)
    credits._credit(payer, agreement.token, word >> 160)
    log AgreementReclaimed(agreement=key, payer=payer, amount=word >> 160)


@internal
@view
def _check_term(expiry: uint256):
    if block.timestamp >= expiry:
        self._expired()
    if expiry > block.timestamp + MAX_TERM:
        self._too_far()


@internal
def _fund(key: bytes32, payer: address, left: uint256, amount: uint256):
    if amount == 0:
        self._nothing()
    if amount > U96 - left:
        self._too_much()
    self._store(key, payer, left + amount)


@internal
def _store(key: bytes32, payer: address, left: uint256):
    self.word_of[key] = 0 if left == 0 else convert(payer, uint256) | left << 160


@internal
@pure
def _key(agreement: Agreement) -> bytes32:
    return keccak256(abi_encode(agreement))


@internal
@pure
def _payer(word: uint256) -> address:
    return convert(word & (2**160 - 1), address)


@internal
@pure
def _expired():
    raise "escrow: expired"


@internal
@pure
def _too_far():
    raise "escrow: expiry too far"


@internal
@pure
def _exists():
    raise "escrow: agreement exists"


@internal
@pure
def _gone():
    raise "escrow: no agreement"


@internal
@pure
def _other_payer():
    raise "escrow: not the payer"


@internal
@pure
def _nothing():
    raise "escrow: no amount"


@internal
@pure
def _too_much():
    raise "escrow: amount too large"


@internal
@pure
def _too_early():
    raise "escrow: reclaim too early"
