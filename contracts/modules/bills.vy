# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bills
@author Proofmesh
@license AGPL-3.0-only
@notice What an outcome costs whom: the list that one call to each vault takes.
"""

from . import job_words as words
from . import outcome
from . import rounds


struct Bill:
    # One word a seat, which both vaults and the log take as it is:
    # id 24 | paid, wei 96 | burnt, gwei 64 | released, gwei 64.
    seats: DynArray[uint256, 7]
    refund: uint256
    burn: uint256
    servers: uint256  # 24 bits each: the operators that are paid for every task that stands


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
    decided: uint256 = r.tasks
    if o.contested != 0:
        decided -= words._count(o.contested)
    if o.tied != 0:
        bill.burn = words._count(o.tied) * (r.price // 10)
    spent: uint256 = bill.burn

    paid_tasks: uint256 = words._count(o.paid)
    offset: uint256 = 0
    sealed: uint256 = words._sealed(r.word)
    ended: uint256 = words._silent(r.word)
    ids: uint256 = r.word
    for seat: uint256 in range(r.granted, bound=7):
        id: uint256 = ids & words.U24
        ids >>= 24
        tasks: uint256 = r.tasks if silent >> seat & 1 == 1 else decided
        if ended >> seat & 1 == 1 or tasks == 0:
            continue
        tally: uint256 = o.tally[seat]
        if paid_tasks != 0 and tally & 255 == paid_tasks:
            # Whoever dissented in one task has not computed all that is asked for.
            bill.servers |= id << offset
            offset += 24
        if silent >> seat & 1 == 1:
            # All of the bond for a seal that was not opened, a quarter for none at all.
            tally += tasks * (outcome.BURNT if sealed >> seat & 1 == 1 else outcome.QUARTERED)
        paid: uint256 = unsafe_mul(tally & 255, r.price)
        burnt: uint256 = 0
        if tally >= outcome.ABORTED:
            paid += outcome._aborted(tally, r.price)
            burnt = outcome._lost(tally, bond, fee)
        released: uint256 = unsafe_mul(tasks, bond) - burnt
        bill.seats.append(id | paid << 24 | burnt << 120 | released << 184)
        spent += paid
    bill.refund = self._reserve(a, decided, r.price) - spent
    return bill


@internal
@pure
def _returned(a: uint256, r: rounds.Round) -> DynArray[uint256, 7]:
    """@return The list that gives every seat of an unfilled base round its bond back."""
    seats: DynArray[uint256, 7] = []
    for seat: uint256 in range(r.granted, bound=7):
        seats.append(words._seat_id(r.word, seat) | (r.tasks * words._bond(a)) << 184)
    return seats


@internal
@pure
def _reserve(a: uint256, tasks: uint256, price: uint256) -> uint256:
    """@return What is set aside in Escrow for so many tasks."""
    return tasks * words._max_seats(a) * price
