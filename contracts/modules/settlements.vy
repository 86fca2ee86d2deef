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
from . import seals

uses: openings
uses: rounds
uses: vaults

BASE: constant(uint256) = 0  # stages of `result_of`
GROWTH: constant(uint256) = 1

# job -> batch -> stage -> keccak256(abi.encode(mask, values)) of the tasks whose value stands
result_of: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])


@internal
def _settle(
    terms: words.Terms,
    r: rounds.Round,
    answers: DynArray[DynArray[bytes32, 32], 7],
    choice: uint256,
):
    """@notice Decide a round from all that was opened in it and, in growth, before it."""
    filled: bool = rounds._is_filled(r)
    self._check_over(r, terms.b, filled)
    lists: uint256[7] = self._lists(choice)
    records: DynArray[uint256, 7] = []
    for values: DynArray[bytes32, 32] in answers:
        records.append(seals._opened(seals._hash(values)))
    opened: uint256 = openings._read(r, records, lists)
    silent: uint256 = 0
    if filled:
        silent = rounds._seats_of(r) & ~opened
        late: bool = block.timestamp >= rounds._reveal_until(r, terms.b)
        if silent & words._sealed(r.word) != 0 and not late:
            self._too_early()
    if r.target == 1 and opened != 0:
        # A single seat is paid by `accept` alone; here its bond goes back.
        if block.timestamp < words._expiry(terms.b):
            self._too_early()
        opened = 0
    case: outcome.Case = outcome.Case(
        mask=r.mask,
        seats=r.target if filled else outcome.NOTHING_STANDS,
        first=r.first,
        grows=r.first == 0 and job_terms._grows(terms.a),
        burns=terms.named == empty(bytes32),
    )
    o: outcome.Outcome = outcome._decide(case, opened, lists, answers)
    o.tally = outcome._silence(o.tally, silent, words._sealed(r.word), r.tasks)
    self._finish(terms, r, o, silent)


@internal
@view
def _check_over(r: rounds.Round, b: uint256, filled: bool):
    """@notice Revert while somebody may still take a seat or seal."""
    if filled:
        if not rounds._is_open(r, b):
            self._too_early()
    else:
        if r.first == 0:
            reverts._fail("jobs: seats missing")
        if not rounds._is_unfilled(r, b):
            self._too_early()


@internal
@pure
def _lists(choice: uint256) -> uint256[7]:
    lists: uint256[7] = empty(uint256[7])
    for seat: uint256 in range(7):
        lists[seat] = (choice >> (3 * seat)) & 7
    return lists


@internal
def _finish(terms: words.Terms, r: rounds.Round, o: outcome.Outcome, silent: uint256):
    """@notice Write a settlement's result, make the batch final or grow it, and pay the bill."""
    if o.paid != 0:
        stage: uint256 = BASE if r.first == 0 else GROWTH
        self.result_of[r.key][r.batch][stage] = keccak256(abi_encode(o.paid, o.values))
    bill: bills.Bill = bills._settled(terms.a, r, o, silent)
    log events.BatchSettled(
        job=r.key,
        batch=r.batch,
        round=words._number(r.word),
        paid_mask=o.paid,
        failed_mask=o.failed,
        tied_mask=o.tied,
        contested_mask=o.contested,
        values=o.values,
        seats=bill.seats,
    )
    if o.contested == 0:
        rounds._end(r)
    else:
        word: uint256 = words._grown(r.word, silent, block.timestamp)
        rounds._begin(r, word, r.price, o.contested, vaults._next_height())
    vaults._unlock(bill.locks)
    vaults._pay(terms, bill.pays, bill.refund, bill.burn)


@internal
@pure
def _too_early():
    reverts._fail("jobs: settled too early")
