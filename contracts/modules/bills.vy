# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bills
@author Proofmesh
@license AGPL-3.0-only
@notice What an outcome costs whom: the lists that one call to each vault takes.
"""

from . import job_words as words
from . import outcome
from . import rounds


struct Bill:
    locks: DynArray[uint256, 7]  # for Staking: id 24 | release, gwei 64 | burn, gwei 64
    pays: DynArray[uint256, 7]  # for Escrow: id 24 | amount 96
    seats: DynArray[uint256, 7]  # for the log: id 24 | paid 96 | burnt 64 | released 64
    refund: uint256
    burn: uint256


@internal
@pure
def _settled(a: uint256, r: rounds.Round, o: outcome.Outcome, silent: uint256) -> Bill:
    """
    @notice The bill of a settlement.
    @param silent The seats whose whole bond ends here, contested tasks included.
    """
    bill: Bill = empty(Bill)
    bond: uint256 = words._bond(a)
    fee: uint256 = outcome._contest_fee(r.price, bond, words._token(a))
    decided: uint256 = r.tasks - words._count(o.contested)
    bill.burn = words._count(o.tied) * (r.price // 10)
    spent: uint256 = bill.burn

    ended: uint256 = words._silent(r.word)
    for seat: uint256 in range(words._granted(r.word), bound=7):
        if ended >> seat & 1 == 1:
            continue
        id: uint256 = words._seat_id(r.word, seat)
        paid: uint256 = outcome._earned(o.tally[seat], r.price)
        burnt: uint256 = outcome._lost(o.tally[seat], bond, fee)
        tasks: uint256 = r.tasks if silent >> seat & 1 == 1 else decided
        released: uint256 = tasks * bond - burnt
        if paid != 0:
            bill.pays.append(id | paid << 24)
            spent += paid
        if tasks != 0:
            bill.locks.append(id | released << 24 | burnt << 88)
            bill.seats.append(id | paid << 24 | burnt << 120 | released << 184)
    bill.refund = self._reserve(a, decided, r.price) - spent
    return bill


@internal
@pure
def _returned(a: uint256, r: rounds.Round) -> DynArray[uint256, 7]:
    """@return The list for Staking that gives every seat of an unfilled base round its bond back.
    """
    locks: DynArray[uint256, 7] = []
    for seat: uint256 in range(words._granted(r.word), bound=7):
        locks.append(words._seat_id(r.word, seat) | (r.tasks * words._bond(a)) << 24)
    return locks


@internal
@pure
def _reserve(a: uint256, tasks: uint256, price: uint256) -> uint256:
    """@return What is set aside in Escrow for so many tasks."""
    return tasks * words._max_seats(a) * price
