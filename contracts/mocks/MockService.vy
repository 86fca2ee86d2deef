# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title MockService
@license AGPL-3.0-only
@notice Test only: a service that does to the vaults whatever it is told.
"""

from ..interfaces import IEscrow
from ..interfaces import IService
from ..interfaces import IStaking

implements: IService

STAKING: immutable(IStaking)
ESCROW: immutable(IEscrow)

max_lock: public(uint256)
needs_own_stake: bool


event Locked:
    id: uint256
    weight: uint256
    total: uint256


event Convicted:
    bounty: uint256


event Forfeited:
    amount: uint256


@deploy
def __init__(staking: IStaking, escrow: IEscrow, max_lock: uint256):
    STAKING = staking
    ESCROW = escrow
    self.max_lock = max_lock


@external
def need_own_stake():
    self.needs_own_stake = True


@external
@view
def OWN_STAKE_ONLY() -> bool:
    return self.needs_own_stake


@external
def lock(worker: address, amount: uint256, at: uint256):
    id: uint256 = 0
    weight: uint256 = 0
    total: uint256 = 0
    id, weight, total = extcall STAKING.lock(worker, amount, at)
    log Locked(id=id, weight=weight, total=total)


@external
def settle(items: DynArray[uint256, 7]):
    extcall STAKING.settle(items)


@external
def convict(id: uint256, amount: uint256, prover: address, payer: address):
    bounty: uint256 = extcall STAKING.convict(id, amount, prover, payer)
    log Convicted(bounty=bounty)


@external
def award(prover: address, amount: uint256):
    extcall STAKING.award(prover, amount)


@external
def forfeit(id: uint256):
    amount: uint256 = extcall STAKING.forfeit(id)
    log Forfeited(amount=amount)


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
    extcall ESCROW.open(payer, token, amount, reference, expiry, fee_bps, permit)


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
    extcall ESCROW.top_up(payer, token, amount, reference, expiry, fee_bps, permit)


@external
def pay(
    token: uint256,
    reference: bytes32,
    expiry: uint256,
    fee_bps: uint256,
    items: DynArray[uint256, 7],
    refund: uint256,
    burn: uint256,
):
    extcall ESCROW.pay(token, reference, expiry, fee_bps, items, refund, burn)
