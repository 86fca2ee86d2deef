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
from . import reverts
from . import rounds
from . import seals
from . import sortition

uses: rounds
uses: seals
uses: vaults


@internal
def _claim(terms: words.Terms, r: rounds.Round) -> uint256:
    """
    @notice Lock the caller's bond for the next seat of the round.
    @return The operator's id. In a named job the caller still has to prove that it is named.
    """
    if block.timestamp >= r.claim_until:
        reverts._fail("jobs: claim closed")
    if r.granted == r.target:
        reverts._fail("jobs: no seat left")
    # Posting leaves time for every base round; growth may have begun late.
    if r.reveal_until > words._expiry(terms.b):
        job_terms._past_expiry()

    id: uint256 = 0
    weight: uint256 = 0
    total: uint256 = 0
    id, weight, total = vaults._lock(msg.sender, words._bond(terms.a) * r.tasks, r.opened_at)
    if rounds._seat_of(r.word, 0, r.granted, id) != rounds.NO_SEAT:
        reverts._fail("jobs: has a seat")
    if terms.named == empty(bytes32):
        self._check_ticket(r, id, weight, total)
    log events.SeatClaimed(job=r.key, operator=id, batch=r.batch, round=r.number)
    return id


@internal
def _check_ticket(r: rounds.Round, id: uint256, weight: uint256, total: uint256):
    seed: uint256 = rounds._seed(r.key, r.batch, r.draw, vaults.SOURCE)
    if not sortition._is_eligible(
        sortition._ticket(seed, r.key, r.batch, id),
        r.target - r.first,
        block.timestamp - r.opened_at,
        r.claim_until - r.opened_at,
        weight,
        total,
    ):
        reverts._fail("jobs: not drawn")


@internal
@view
def _check_seal(r: rounds.Round, seat: uint256):
    """@notice Revert unless there is such a seat and it may seal now."""
    if seat == rounds.NO_SEAT:
        reverts._fail("jobs: no seat")
    if rounds._is_unfilled(r):
        reverts._fail("jobs: round unfilled")
    if block.timestamp >= r.seal_until:
        reverts._fail("jobs: seal closed")
    if words._sealed(r.word) >> seat & 1 == 1:
        reverts._fail("jobs: already sealed")


@internal
def _seal(r: rounds.Round, id: uint256, digest: bytes32):
    """@notice Keep the seal of operator `id`; its seat is still to be marked as sealed."""
    seals.records[seals._key(r.key, r.batch, r.number, id)] = seals._kept(digest)
    log events.ResultSealed(job=r.key, operator=id, batch=r.batch, round=r.number, digest=digest)
