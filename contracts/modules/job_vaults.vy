# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Job vaults
@author Proofmesh
@license AGPL-3.0-only
@notice How a service of jobs asks the vaults, and the source of its seeds.
"""

from ..interfaces import IEscrow
from ..interfaces import ISeedSource
from ..interfaces import IStaking
from . import job_words as words
from . import sortition

STAKING: public(immutable(address))
ESCROW: public(immutable(address))
SEEDS: public(immutable(address))
SOURCE: immutable(address)  # SEEDS, or zero where it only repeats what the chain's opcodes say


@deploy
def __init__(staking: address, escrow: address, seeds: address):
    STAKING = staking
    ESCROW = escrow
    SEEDS = seeds
    SOURCE = empty(address) if staticcall ISeedSource(seeds).is_native() else seeds


@internal
@view
def _next_height() -> uint256:
    """@return Where a seed is drawn for a round that starts now."""
    return sortition._height(SOURCE) + 1


@internal
@view
def _operator_of(worker: address) -> uint256:
    return staticcall IStaking(STAKING).operator_of(worker)


@internal
@view
def _owner_of(id: uint256) -> address:
    return staticcall IStaking(STAKING).owner_of(id)


@internal
def _lock(worker: address, amount: uint256, at: uint256) -> (uint256, uint256, uint256):
    """@return Id, weight and total weight as the epoch of `at` began; `amount` is gwei."""
    return extcall IStaking(STAKING).lock(worker, amount, at)


@internal
def _unlock(seats: DynArray[uint256, 7]):
    """@param seats Each id 24 | paid, wei 96 | burnt, gwei 64 | released, gwei 64."""
    if len(seats) != 0:
        extcall IStaking(STAKING).settle(seats)


@internal
def _convict(id: uint256, amount: uint256, prover: address, payer: address) -> uint256:
    """
    @notice Take `amount` gwei of an operator's bond after a verdict.
    @param prover Empty while it is not known who earned the bounty.
    @return The bounty, gwei.
    """
    return extcall IStaking(STAKING).convict(id, amount, prover, payer)


@internal
def _award(prover: address, amount: uint256):
    """@notice Pay a bounty, gwei, that `_convict` kept."""
    extcall IStaking(STAKING).award(prover, amount)


@internal
def _forfeit(id: uint256) -> uint256:
    """@return The standing bond that operator `id` loses, gwei."""
    return extcall IStaking(STAKING).forfeit(id)


@internal
def _open(terms: words.Terms, key: bytes32, amount: uint256, permit: IEscrow.Permit):
    """@notice Move the job's reserve from the caller into Escrow."""
    extcall IEscrow(ESCROW).open(
        msg.sender,
        words._token(terms.a),
        amount,
        key,
        words._expiry(terms.b),
        words._fee_bps(terms.a),
        permit,
    )


@internal
def _top_up(terms: words.Terms, amount: uint256, permit: IEscrow.Permit):
    extcall IEscrow(ESCROW).top_up(
        msg.sender,
        words._token(terms.a),
        amount,
        words._key(terms),
        words._expiry(terms.b),
        words._fee_bps(terms.a),
        permit,
    )


@internal
def _pay(
    terms: words.Terms, key: bytes32, seats: DynArray[uint256, 7], refund: uint256, burn: uint256
):
    """
    @dev Pays nothing where the agreement is gone; bonds never wait for money.
    @param seats As in `_unlock`.
    """
    if len(seats) == 0 and refund == 0 and burn == 0:
        return
    extcall IEscrow(ESCROW).pay(
        words._token(terms.a),
        key,
        words._expiry(terms.b),
        words._fee_bps(terms.a),
        seats,
        refund,
        burn,
    )


@internal
@view
def _payer(terms: words.Terms, key: bytes32) -> address:
    """@return Who paid for the job, out of Escrow's record; empty when that is gone."""
    payer: address = empty(address)
    left: uint256 = 0
    payer, left = staticcall IEscrow(ESCROW).agreement(
        self, words._token(terms.a), key, words._expiry(terms.b), words._fee_bps(terms.a)
    )
    return payer
