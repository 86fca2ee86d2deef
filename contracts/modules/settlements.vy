# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Settlements
@author Proofmesh
@license AGPL-3.0-only
@notice From openings to a final batch, or to one that grows: results, bonds and money.
"""

from . import bills
from . import job_events as events
from . import job_terms
from . import job_vaults as vaults
from . import job_words as words
from . import openings
from . import outcome
from . import reverts
from . import rounds

uses: openings
uses: rounds
uses: vaults

# What a settlement decides from.
struct Hearing:
    openings: openings.Openings
    silent: uint256  # the mask of the round's own seats that did not open
    case: outcome.Case


# job -> batch -> `words._result` of what stood in the base round of a batch that grew. What stands
# when a batch ends is in its word.
base_result_of: public(HashMap[bytes32, HashMap[uint256, bytes32]])


@internal
@view
def _hear(
    terms: words.Terms, r: rounds.Round, records: DynArray[uint256, 7], choice: uint256
) -> Hearing:
    """
    @notice Collect all that was opened in a round and, in growth, before it; reverts too early.
    @param records What the record of a seat that opened each answer looks like.
    @param choice Which answer each seat opened, 3 bits a seat.
    """
    filled: bool = r.granted == r.target
    self._check_over(r, filled)
    h: Hearing = empty(Hearing)
    h.openings = openings._read(r, records, choice)
    if filled:
        h.silent = rounds._own(r.first, r.target) & ~h.openings.seats
        if h.silent & words._sealed(r.word) != 0 and block.timestamp < r.reveal_until:
            self._too_early()
    if r.target == 1 and h.openings.seats != 0:
        # A single seat is paid by `accept` alone; here its bond goes back.
        if block.timestamp < words._expiry(terms.b):
            self._too_early()
        h.openings.seats = 0
    h.case = outcome.Case(
        seats=r.target if filled else outcome.NOTHING_STANDS,
        grows=r.first == 0 and job_terms._grows(terms.a),
        burns=terms.named == empty(bytes32),
    )
    return h


@internal
@pure
def _is_unanimous(r: rounds.Round, h: Hearing) -> bool:
    """@return Whether every seat of a base round of several opened answer 0."""
    return (
        h.openings.lists == 1
        and r.first == 0
        and r.target != 1
        and h.openings.seats == words._full(r.target)
    )


@internal
@view
def _check_over(r: rounds.Round, filled: bool):
    """@notice Revert while somebody may still take a seat or seal."""
    if filled:
        if not rounds._is_open(r):
            self._too_early()
    else:
        if r.first == 0:
            reverts._fail("jobs: seats missing")
        if block.timestamp < r.claim_until:
            self._too_early()


@internal
def _finish(
    terms: words.Terms,
    r: rounds.Round,
    o: outcome.Outcome,
    values: DynArray[bytes32, 32],
    silent: uint256,
    slots: DynArray[bytes32, 7],
):
    """
    @notice Write a settlement's result, make the batch final or grow it, and pay the bill.
    @param values Those that stand, of the tasks that are paid, ascending.
    @param silent The seats whose whole bond ends here.
    @param slots Where the seals are: a batch that is final needs them no more.
    """
    bill: bills.Bill = bills._settled(terms.a, r, o, silent)
    result: bytes32 = empty(bytes32)
    if o.paid != 0:
        result = words._result(o.paid, values, bill.servers, block.timestamp)
    log events.BatchSettled(
        job=r.key,
        batch=r.batch,
        round=r.number,
        paid_mask=o.paid,
        failed_mask=o.failed,
        tied_mask=o.tied,
        contested_mask=o.contested,
        values=values,
        seats=bill.seats,
        servers=bill.servers,
        settled_at=block.timestamp,
    )
    if o.contested == 0:
        openings._clear(slots)
        rounds.batches[r.key][r.batch] = words._final(result)
    else:
        if o.paid != 0:
            self.base_result_of[r.key][r.batch] = result
        word: uint256 = words._grown(r.word, silent, block.timestamp)
        rounds._begin(r, word, r.price, o.contested, vaults._next_height())
    vaults._unlock(bill.seats)
    vaults._pay(terms, r.key, bill.seats, bill.refund, bill.burn)


@internal
@pure
def _too_early():
    reverts._fail("jobs: settled too early")
