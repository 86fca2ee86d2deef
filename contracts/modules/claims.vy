# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Claims
@author Proofmesh
@license AGPL-3.0-only
@notice Taking a seat, and sealing what it found.
"""

from . import job_events as events
from . import job_terms
from . import job_vaults as vaults
from . import job_words as words
from . import membership
from . import reverts
from . import rounds
from . import seals
from . import sortition

uses: rounds
uses: seals
uses: vaults


@internal
def _claim(terms: words.Terms, batch: uint256, proof: membership.Proof) -> (rounds.Round, uint256):
    """@return The round with the caller's seat in it, still to be stored, and the operator's id."""
    r: rounds.Round = rounds._load(terms, batch)
    if block.timestamp >= rounds._claim_until(r, terms.b):
        reverts._fail("jobs: claim closed")
    if rounds._is_filled(r):
        reverts._fail("jobs: no seat left")
    # Posting leaves time for every base round; growth may have begun late.
    job_terms._check_end(terms.b, r.opened_at + words._round_length(terms.b))

    id: uint256 = 0
    weight: uint256 = 0
    total: uint256 = 0
    id, weight, total = vaults._lock(msg.sender, words._bond(terms.a) * r.tasks, r.opened_at)
    if rounds._holds_seat(r.word, id):
        reverts._fail("jobs: has a seat")
    if terms.named == empty(bytes32):
        self._check_ticket(r, terms.b, id, weight, total)
    elif not membership._is_member(terms.named, id, proof):
        reverts._fail("jobs: not named")
    log events.SeatClaimed(
        job=r.key,
        operator=id,
        batch=batch,
        round=words._number(r.word),
        seat=words._granted(r.word),
    )
    r.word = words._with_seat(r.word, id)
    return r, id


@internal
def _check_ticket(r: rounds.Round, b: uint256, id: uint256, weight: uint256, total: uint256):
    ticket: uint256 = sortition._ticket(rounds._seed(r, vaults.SEEDS), r.key, r.batch, id)
    released: uint256 = sortition._released(
        r.target - r.first, block.timestamp - r.opened_at, words._claim_window(b)
    )
    if not sortition._is_eligible(ticket, released, weight, total):
        reverts._fail("jobs: not drawn")


@internal
@view
def _check_seal(r: rounds.Round, b: uint256, seat: uint256):
    """@notice Revert unless `seat` may seal now."""
    if rounds._is_unfilled(r, b):
        reverts._fail("jobs: round unfilled")
    if block.timestamp >= rounds._seal_until(r, b):
        reverts._fail("jobs: seal closed")
    if words._sealed(r.word) >> seat & 1 == 1:
        reverts._fail("jobs: already sealed")


@internal
def _seal(r: rounds.Round, id: uint256, seat: uint256, digest: bytes32) -> rounds.Round:
    """@return The round with the seal of `seat` in it, still to be stored."""
    after: rounds.Round = r
    after.word = words._with_seal(r.word, seat)
    number: uint256 = words._number(r.word)
    seals.records[seals._key(r.key, r.batch, number, id)] = seals._kept(digest)
    log events.ResultSealed(job=r.key, operator=id, batch=r.batch, round=number, digest=digest)
    return after
