# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Rewards
@license AGPL-3.0-only
@notice Divides Escrow's fees: those in the network token are burnt in part, the rest is the
        treasury's. A part of what is burnt is minted again for the operators whose work it was.
@dev docs/protocol.md, section 10. The only minter of the network token.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IDelegation
from .interfaces import IStaking
from .modules import emission
from .modules import transfers

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: emission

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    emission.epoch_length,
    emission.burnt_in,
    emission.burnt_of,
    emission.closed,
)


interface IToken:
    def burn(amount: uint256): nonpayable
    def mint(owner: address, amount: uint256): nonpayable


interface IFees:
    def operator_credit(id: uint256, token: uint256) -> uint256: view
    def withdraw_operator(id: uint256, token: uint256): nonpayable
    def fees_of(token: uint256) -> uint256: view
    def fees_paid(id: uint256) -> uint256: view
    def collect_fees(token: uint256): nonpayable
    def token_at(index: uint256) -> address: view


event BurnShareSet:
    bps: uint256


event EmissionRateSet:
    bps: uint256


event TreasurySet:
    treasury: indexed(address)


event FeesForwarded:
    token: indexed(uint256)
    amount: uint256


event EmissionClaimed:
    id: indexed(uint256)
    epoch: indexed(uint256)
    amount: uint256  # wei
    delegated: uint256  # the delegators' part of it


NETWORK_TOKEN: constant(uint256) = 0
BPS: constant(uint256) = emission.BPS
MAX_RATE: constant(uint256) = 9_000  # less than all: whoever washes always loses

TOKEN: immutable(address)
STAKING: immutable(IStaking)
ESCROW: immutable(IFees)
DELEGATION: immutable(IDelegation)

burn_bps: public(uint256)  # of the fees in the network token
rate_bps: public(uint256)  # of what is burnt, minted again
treasury: public(address)
booked: public(HashMap[uint256, uint256])  # by operator: fees, of all it ever paid, divided here


@deploy
def __init__(
    token: address,
    staking: IStaking,
    escrow: IFees,
    delegation: IDelegation,
    epoch: uint256,
    burn_bps: uint256,
    rate_bps: uint256,
    treasury: address,
):
    """@param epoch Seconds; fixed for ever."""
    ownable.__init__()
    ownable_2step.__init__()
    emission.__init__(epoch)
    TOKEN = token
    STAKING = staking
    ESCROW = escrow
    DELEGATION = delegation
    self._set_burn_share(burn_bps)
    self._set_rate(rate_bps)
    self._set_treasury(treasury)


# Anyone


@external
def book(id: uint256):
    """
    @notice Pay operator `id` what Escrow owes it in the network token, and divide the fees on all
            it was paid since the last time.
    """
    if staticcall ESCROW.operator_credit(id, NETWORK_TOKEN) != 0:
        extcall ESCROW.withdraw_operator(id, NETWORK_TOKEN)
    if staticcall ESCROW.fees_of(NETWORK_TOKEN) != 0:
        extcall ESCROW.collect_fees(NETWORK_TOKEN)
    paid: uint256 = staticcall ESCROW.fees_paid(id)
    fees: uint256 = paid - self.booked[id]
    if fees == 0:
        self._nothing()
    self.booked[id] = paid
    burnt: uint256 = fees * self.burn_bps // BPS
    emission._burn(id, burnt)
    extcall IToken(TOKEN).burn(burnt)
    transfers._send(TOKEN, self.treasury, fees - burnt)


@external
def forward(token: uint256):
    """@notice Send the fees in a listed token to the treasury; nothing is minted for them."""
    if token == NETWORK_TOKEN:
        self._by_operator()
    amount: uint256 = staticcall ESCROW.fees_of(token)
    extcall ESCROW.collect_fees(token)
    transfers._send(staticcall ESCROW.token_at(token), self.treasury, amount)
    log FeesForwarded(token=token, amount=amount)


@external
def close_epoch(epoch: uint256):
    """@notice Fix the emission of an epoch that is over: the rate of now, of what it burnt."""
    emission._close(epoch, self.rate_bps)


@external
def claim(id: uint256, epoch: uint256) -> uint256:
    """
    @notice Mint what an epoch gives to operator `id`, once it has vested: the delegators' part to
            their pool, the rest to the owner.
    @return All of it, in wei.
    """
    amount: uint256 = emission._take(id, epoch, staticcall STAKING.convicted_at(id))
    delegated: uint256 = extcall DELEGATION.credit(id, amount)
    if delegated != 0:
        extcall IToken(TOKEN).mint(DELEGATION.address, delegated)
    extcall IToken(TOKEN).mint(staticcall STAKING.owner_of(id), amount - delegated)
    log EmissionClaimed(id=id, epoch=epoch, amount=amount, delegated=delegated)
    return amount


# Owner


@external
def set_burn_share(bps: uint256):
    """@param bps Of the fees in the network token, at most 10,000."""
    ownable._check_owner()
    self._set_burn_share(bps)


@external
def set_rate(bps: uint256):
    """@param bps Of what is burnt, minted again: at most 9,000."""
    ownable._check_owner()
    self._set_rate(bps)


@external
def set_treasury(treasury: address):
    """@notice Name who gets what is not burnt."""
    ownable._check_owner()
    self._set_treasury(treasury)


@internal
def _set_burn_share(bps: uint256):
    if bps > BPS:
        self._bad_share()
    self.burn_bps = bps
    log BurnShareSet(bps=bps)


@internal
def _set_rate(bps: uint256):
    if bps > MAX_RATE:
        self._bad_rate()
    self.rate_bps = bps
    log EmissionRateSet(bps=bps)


@internal
def _set_treasury(treasury: address):
    if treasury == empty(address):
        self._bad_treasury()
    self.treasury = treasury
    log TreasurySet(treasury=treasury)


@internal
@pure
def _nothing():
    raise "rewards: no fees to divide"


@internal
@pure
def _by_operator():
    raise "rewards: book them by operator"


@internal
@pure
def _bad_share():
    raise "rewards: share out of bounds"


@internal
@pure
def _bad_rate():
    raise "rewards: rate out of bounds"


@internal
@pure
def _bad_treasury():
    raise "rewards: treasury is zero"
