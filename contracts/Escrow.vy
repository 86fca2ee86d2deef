# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Escrow
@license AGPL-3.0-only
@notice Holds every requester's money in agreements; services pay out of those that they opened.
@dev docs/protocol.md, section 3. Amounts are wei of the agreement's token. Money leaves only to
     who pulls it, so that nobody's refusal to be paid can stop a settlement.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IEscrow
from .interfaces import IStaking
from .modules import escrow_settings
from .modules import transfers

implements: IEscrow

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: escrow_settings

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    escrow_settings.fee_bps,
    escrow_settings.fee_sink,
    escrow_settings.guardian,
    escrow_settings.paused_until,
    escrow_settings.token_at,
    escrow_settings.token_count,
)


interface IBurnable:
    def burn(amount: uint256): nonpayable


event AgreementOpened:
    agreement: indexed(bytes32)
    service: indexed(address)
    payer: indexed(address)
    token: uint256
    amount: uint256
    reference: bytes32
    expiry: uint256
    fee_bps: uint256


event AgreementToppedUp:
    agreement: indexed(bytes32)
    amount: uint256


event AgreementPaid:
    agreement: indexed(bytes32)
    credited: uint256  # to operators, after the fee
    fee: uint256
    burnt: uint256
    refunded: uint256


event AgreementReclaimed:
    agreement: indexed(bytes32)
    payer: indexed(address)
    amount: uint256


event CreditWithdrawn:
    account: indexed(address)
    token: indexed(uint256)
    amount: uint256


event OperatorCreditWithdrawn:
    id: indexed(uint256)
    token: indexed(uint256)
    owner: indexed(address)
    amount: uint256


event FeesCollected:
    token: indexed(uint256)
    sink: indexed(address)
    amount: uint256


RECLAIM_AFTER: public(constant(uint256)) = 7 * 86_400  # from the expiry on
MAX_TERM: constant(uint256) = 366 * 86_400  # no money may be out of reach for longer
MAX_ITEMS: constant(uint256) = 7
BPS: constant(uint256) = 10_000
NETWORK_TOKEN: constant(uint256) = 0
U16: constant(uint256) = 2**16 - 1
U24: constant(uint256) = 2**24 - 1
U96: constant(uint256) = 2**96 - 1

STAKING: immutable(IStaking)

agreement_word: HashMap[bytes32, uint256]  # payer 160 | left 96; 0 once nothing is left
credit_of: public(HashMap[address, HashMap[uint256, uint256]])
operator_credit_word: HashMap[uint256, uint256]  # by id << 16 | token
fees_of: public(HashMap[uint256, uint256])


@deploy
def __init__(
    token: address, staking: IStaking, fee_bps: uint256, fee_sink: address, guardian: address
):
    """
    @param token The network token, token 0.
    @param guardian May pause new postings; the zero address for none.
    """
    ownable.__init__()
    ownable_2step.__init__()
    escrow_settings.__init__(token, fee_bps, fee_sink, guardian)
    STAKING = staking


# Services


@external
def open(
    payer: address,
    token: uint256,
    amount: uint256,
    reference: bytes32,
    expiry: uint256,
    fee_bps: uint256,
    permit: IEscrow.Permit,
):
    """
    @notice Move `amount` from `payer` into a new agreement of the calling service.
    @param token The token's index.
    @param expiry Before it only the service can move the money; 7 days later anyone refunds it.
    @param fee_bps Must be the fee of now; it is fixed for the agreement.
    """
    self._check_posting(expiry)
    if fee_bps != escrow_settings._fee_bps(): self._fee_changed()
    key: bytes32 = self._key(msg.sender, reference, token, expiry, fee_bps)
    if self.agreement_word[key] != 0: self._exists()
    self._fund(key, payer, 0, token, amount, permit)
    log AgreementOpened(
        agreement=key,
        service=msg.sender,
        payer=payer,
        token=token,
        amount=amount,
        reference=reference,
        expiry=expiry,
        fee_bps=fee_bps,
    )


@external
def top_up(
    payer: address,
    token: uint256,
    amount: uint256,
    reference: bytes32,
    expiry: uint256,
    fee_bps: uint256,
    permit: IEscrow.Permit,
):
    """@notice Add `amount` to an agreement of the calling service, by the one who opened it."""
    self._check_posting(expiry)
    key: bytes32 = self._key(msg.sender, reference, token, expiry, fee_bps)
    word: uint256 = self.agreement_word[key]
    if word == 0: self._gone()
    if self._payer(word) != payer: self._other_payer()
    self._fund(key, payer, word >> 160, token, amount, permit)
    log AgreementToppedUp(agreement=key, amount=amount)


@external
def pay(
    token: uint256,
    reference: bytes32,
    expiry: uint256,
    fee_bps: uint256,
    items: DynArray[uint256, MAX_ITEMS],
    refund: uint256,
    burn: uint256,
):
    """
    @notice Credit operators and the payer out of an agreement, burn a part of it.
    @dev Pays nothing, and does not revert, when the agreement is gone; pays what is left when that
         is less: operators first, then the burn, then the refund.
    @param items Each operator id 24 | amount before the fee, wei 96.
    """
    key: bytes32 = self._key(msg.sender, reference, token, expiry, fee_bps)
    word: uint256 = self.agreement_word[key]
    if word == 0:
        return
    left: uint256 = word >> 160
    paid: uint256 = 0
    fee: uint256 = 0
    for item: uint256 in items:
        amount: uint256 = min((item >> 24) & U96, left - paid)
        cut: uint256 = amount * fee_bps // BPS
        self.operator_credit_word[(item & U24) << 16 | token] += amount - cut
        fee += cut
        paid += amount
    burnt: uint256 = min(burn, left - paid)
    refunded: uint256 = min(refund, left - paid - burnt)
    left -= paid + burnt + refunded
    payer: address = self._payer(word)
    self._store(key, payer, left)
    if refunded != 0:
        self.credit_of[payer][token] += refunded
    log AgreementPaid(
        agreement=key, credited=paid - fee, fee=fee, burnt=burnt, refunded=refunded
    )
    self._charge(token, fee, burnt)


# Anyone


@external
def reclaim(
    service: address, token: uint256, reference: bytes32, expiry: uint256, fee_bps: uint256
):
    """@notice Credit the payer with all that is left, from 7 days after the expiry on."""
    if block.timestamp < expiry + RECLAIM_AFTER: self._too_early()
    key: bytes32 = self._key(service, reference, token, expiry, fee_bps)
    word: uint256 = self.agreement_word[key]
    if word == 0: self._gone()
    self.agreement_word[key] = 0
    payer: address = self._payer(word)
    self.credit_of[payer][token] += word >> 160
    log AgreementReclaimed(agreement=key, payer=payer, amount=word >> 160)


@external
def withdraw(token: uint256):
    """@notice Pay the caller's credit out."""
    amount: uint256 = self.credit_of[msg.sender][token]
    if amount == 0: self._no_credit()
    self.credit_of[msg.sender][token] = 0
    transfers._send(escrow_settings._token(token), msg.sender, amount)
    log CreditWithdrawn(account=msg.sender, token=token, amount=amount)


@external
def withdraw_operator(id: uint256, token: uint256):
    """@notice Pay the credit of operator `id` to its owner."""
    if id > U24 or token > U16: self._no_credit()
    amount: uint256 = self.operator_credit_word[id << 16 | token]
    if amount == 0: self._no_credit()
    owner: address = staticcall STAKING.owner_of(id)
    if owner == empty(address): self._no_operator()
    self.operator_credit_word[id << 16 | token] = 0
    transfers._send(escrow_settings._token(token), owner, amount)
    log OperatorCreditWithdrawn(id=id, token=token, owner=owner, amount=amount)


@external
def collect_fees(token: uint256):
    """@notice Send the fees to the sink."""
    amount: uint256 = self.fees_of[token]
    if amount == 0: self._no_fees()
    self.fees_of[token] = 0
    sink: address = escrow_settings.fee_sink
    transfers._send(escrow_settings._token(token), sink, amount)
    log FeesCollected(token=token, sink=sink, amount=amount)


@external
@view
def agreement(
    service: address, token: uint256, reference: bytes32, expiry: uint256, fee_bps: uint256
) -> (address, uint256):
    """@return Payer and what is left; zeroes when the agreement is gone."""
    word: uint256 = self.agreement_word[self._key(service, reference, token, expiry, fee_bps)]
    return self._payer(word), word >> 160


@external
@view
def operator_credit(id: uint256, token: uint256) -> uint256:
    """@return What `withdraw_operator` would pay."""
    return 0 if id > U24 or token > U16 else self.operator_credit_word[id << 16 | token]


# Owner and guardian


@external
def list_token(token: address) -> uint256:
    """@notice Take agreements in `token` too. @return Its index."""
    ownable._check_owner()
    return escrow_settings._list_token(token)


@external
def set_fee_bps(fee_bps: uint256):
    """@notice Set the fee of agreements to come, at most 10 %."""
    ownable._check_owner()
    escrow_settings._set_fee_bps(fee_bps)


@external
def set_fee_sink(sink: address):
    """@notice Name who gets the fees."""
    ownable._check_owner()
    escrow_settings._set_fee_sink(sink)


@external
def set_guardian(guardian: address):
    """@notice Name who may pause postings; the zero address for none."""
    ownable._check_owner()
    escrow_settings._set_guardian(guardian)


@external
def pause(duration: uint256):
    """@notice Refuse new money for `duration` seconds, at most 14 days; 0 ends a pause."""
    if msg.sender != escrow_settings._guardian(): ownable._check_owner()
    escrow_settings._pause(duration)


@internal
@view
def _check_posting(expiry: uint256):
    if not staticcall STAKING.is_active(msg.sender): self._not_active()
    if block.timestamp < escrow_settings._paused_until(): self._paused()
    if block.timestamp >= expiry: self._expired()
    if expiry > block.timestamp + MAX_TERM: self._too_far()


@internal
def _fund(
    key: bytes32,
    payer: address,
    left: uint256,
    token: uint256,
    amount: uint256,
    permit: IEscrow.Permit,
):
    if amount == 0: self._nothing()
    if left + amount > U96: self._too_much()
    self._store(key, payer, left + amount)
    transfers._draw(escrow_settings._token(token), payer, amount, permit)


@internal
def _store(key: bytes32, payer: address, left: uint256):
    self.agreement_word[key] = (
        0 if left == 0 else convert(payer, uint256) | left << 160
    )


@internal
def _charge(token: uint256, fee: uint256, burnt: uint256):
    """@notice Book the fee; burn what can be burnt, and book the rest as a fee."""
    booked: uint256 = fee
    if burnt != 0:
        if token == NETWORK_TOKEN:
            extcall IBurnable(escrow_settings._token(token)).burn(burnt)
        else:
            booked += burnt
    if booked != 0:
        self.fees_of[token] += booked


@internal
@pure
def _key(
    service: address, reference: bytes32, token: uint256, expiry: uint256, fee_bps: uint256
) -> bytes32:
    return keccak256(abi_encode(service, reference, token, expiry, fee_bps))


@internal
@pure
def _payer(word: uint256) -> address:
    return convert(word & (2**160 - 1), address)


@internal
@pure
def _not_active():
    raise "escrow: service not active"


@internal
@pure
def _paused():
    raise "escrow: postings are paused"


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
def _fee_changed():
    raise "escrow: not the current fee"


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


@internal
@pure
def _no_credit():
    raise "escrow: no credit"


@internal
@pure
def _no_operator():
    raise "escrow: no such operator"


@internal
@pure
def _no_fees():
    raise "escrow: no fees"
