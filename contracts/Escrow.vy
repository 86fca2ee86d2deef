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

from .interfaces import IDelegation
from .interfaces import IEscrow
from .interfaces import IStaking
from .modules import agreements
from .modules import credits
from .modules import escrow_settings
from .modules import transfers

implements: IEscrow

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: escrow_settings
initializes: credits
initializes: agreements[credits := credits]

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
    credits.credit_of,
    credits.operator_credit,
    credits.operator_fees,
    credits.fees_of,
    credits.fees_paid,
)


interface IBurnable:
    def burn(amount: uint256): nonpayable


MAX_ITEMS: constant(uint256) = 7
NETWORK_TOKEN: constant(uint256) = 0

RECLAIM_AFTER: public(constant(uint256)) = agreements.RECLAIM_AFTER
STAKING: immutable(IStaking)


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
    self._check_posting()
    if fee_bps != escrow_settings.word & escrow_settings.FEE_MASK:
        self._fee_changed()
    agreements._open(self._agreement(msg.sender, token, reference, expiry, fee_bps), payer, amount)
    self._draw(token, payer, amount, permit)


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
    self._check_posting()
    agreements._top_up(
        self._agreement(msg.sender, token, reference, expiry, fee_bps), payer, amount
    )
    self._draw(token, payer, amount, permit)


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
    @param items Each operator id 24 | amount before the fee, wei 96 | unread here 136.
    """
    burnt: uint256 = agreements._pay(
        self._agreement(msg.sender, token, reference, expiry, fee_bps), items, refund, burn
    )
    if burnt == 0:
        return
    if token == NETWORK_TOKEN:
        extcall IBurnable(escrow_settings.NETWORK_TOKEN).burn(burnt)
    else:
        credits._book_fee(token, burnt)


# Anyone


@external
def reclaim(
    service: address, token: uint256, reference: bytes32, expiry: uint256, fee_bps: uint256
):
    """@notice Credit the payer with all that is left, from 7 days after the expiry on."""
    agreements._reclaim(self._agreement(service, token, reference, expiry, fee_bps))


@external
def withdraw(token: uint256):
    """@notice Pay the caller's credit out."""
    amount: uint256 = credits._take(msg.sender, token)
    transfers._send(escrow_settings._token(token), msg.sender, amount)


@external
def withdraw_operator(id: uint256, token: uint256):
    """
    @notice Pay the credit of operator `id` to its owner; of the network token its delegators get
            their part. The fees kept with it are due then.
    """
    owner: address = staticcall STAKING.owner_of(id)
    amount: uint256 = credits._take_operator(id, token, owner)
    if token == NETWORK_TOKEN:
        amount -= self._pay_delegators(id, amount)
    transfers._send(escrow_settings._token(token), owner, amount)


@external
def collect_fees(token: uint256):
    """@notice Send the fees to the sink."""
    sink: address = escrow_settings.fee_sink
    amount: uint256 = credits._take_fees(token, sink)
    transfers._send(escrow_settings._token(token), sink, amount)


@external
@view
def agreement(
    service: address, token: uint256, reference: bytes32, expiry: uint256, fee_bps: uint256
) -> (address, uint256):
    """@return Payer and what is left; zeroes when the agreement is gone."""
    return agreements._agreement(self._agreement(service, token, reference, expiry, fee_bps))


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
    if msg.sender != escrow_settings._guardian():
        ownable._check_owner()
    escrow_settings._pause(duration)


@internal
@view
def _check_posting():
    if not staticcall STAKING.is_active(msg.sender):
        self._not_active()
    if block.timestamp < escrow_settings._paused_until():
        self._paused()


@internal
def _draw(token: uint256, payer: address, amount: uint256, permit: IEscrow.Permit):
    if token == NETWORK_TOKEN:
        transfers._draw(escrow_settings.NETWORK_TOKEN, payer, amount, permit)
    else:
        transfers._draw_listed(escrow_settings._token(token), payer, amount, permit)


@internal
def _pay_delegators(id: uint256, amount: uint256) -> uint256:
    delegation: address = staticcall STAKING.delegation()
    if delegation == empty(address):
        return 0
    part: uint256 = extcall IDelegation(delegation).credit(id, amount)
    if part != 0:
        transfers._send(escrow_settings.NETWORK_TOKEN, delegation, part)
    return part


@internal
@pure
def _agreement(
    service: address, token: uint256, reference: bytes32, expiry: uint256, fee_bps: uint256
) -> agreements.Agreement:
    return agreements.Agreement(
        service=service, reference=reference, token=token, expiry=expiry, fee_bps=fee_bps
    )


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
def _fee_changed():
    raise "escrow: not the current fee"
