# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Demand bonds
@author Proofmesh
@license AGPL-3.0-only
@notice What it costs to demand something: the gas of the answer, and half of it again that is burnt,
        so that asking for nothing is never free.
@dev A bond is an agreement in Escrow, of the network token, whose payer is the demander. It expires
     when the answer is due: money that nobody cranks back can be reclaimed there.
"""

from ..interfaces import ICourts
from ..interfaces import IEscrow

NETWORK_TOKEN: constant(uint256) = 0

# What the transaction of an answer uses, beside what each byte of the answer costs. An answer pays
# the operator two thirds of the bond, less Escrow's fee of at most a tenth.
ANSWER_GAS: constant(uint256) = 210_000
BYTE_GAS: constant(uint256) = 36

BOND_ESCROW: immutable(address)
BOND_COURTS: immutable(address)


struct Bond:
    due: uint256  # the answer comes before it
    amount: uint256  # wei of the network token
    fee_bps: uint256  # Escrow's fee when it was opened


@deploy
def __init__(escrow: address, courts: address):
    """@param courts Knows the governed price of gas."""
    BOND_ESCROW = escrow
    BOND_COURTS = courts


@internal
@view
def _amount(size: uint256) -> uint256:
    """@return The bond for an answer of `size` bytes, wei: one and a half times its gas."""
    gas: uint256 = ANSWER_GAS + BYTE_GAS * size
    return (3 * gas * staticcall ICourts(BOND_COURTS).gas_price() + 1) // 2


@internal
def _open(id: bytes32, bond: Bond, permit: IEscrow.Permit):
    """@notice Move the bond of demand `id` from the caller into Escrow."""
    extcall IEscrow(BOND_ESCROW).open(
        msg.sender, NETWORK_TOKEN, bond.amount, id, bond.due, bond.fee_bps, permit
    )


@internal
def _pay(id: bytes32, bond: Bond, operator: uint256):
    """@notice Credit two thirds of the bond to who answered, burn the rest."""
    share: uint256 = 2 * bond.amount // 3
    extcall IEscrow(BOND_ESCROW).pay(
        NETWORK_TOKEN,
        id,
        bond.due,
        bond.fee_bps,
        [operator | share << 24],
        0,
        bond.amount - share,
    )


@internal
def _return(id: bytes32, bond: Bond):
    """@notice Credit the whole bond to the demander; nothing if it reclaimed it."""
    extcall IEscrow(BOND_ESCROW).pay(NETWORK_TOKEN, id, bond.due, bond.fee_bps, [], bond.amount, 0)
