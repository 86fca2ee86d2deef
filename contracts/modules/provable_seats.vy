# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable seats
@author Proofmesh
@license AGPL-3.0-only
@notice Taking the one seat that a batch has open, its operator's or its auditor's, and sealing.
"""

from . import job_events as events
from . import job_vaults as vaults
from . import job_words as words
from . import membership
from . import provable_batches as batches
from . import provable_words as packed
from . import reverts
from . import seals
from . import sortition

uses: batches
uses: seals
uses: vaults


@internal
def _claim(terms: words.Terms, b: batches.Batch, proof: membership.Proof) -> uint256:
    """
    @notice Lock the caller's bond for the open seat.
    @return The operator's id; the seat is still to be granted.
    """
    audits: bool = b.phase == packed.AUDIT_OPEN
    if b.phase != packed.OPEN and not audits:
        reverts._fail("provable: no seat is open")
    if block.timestamp >= b.since + words._claim_window(terms.b):
        reverts._fail("provable: claim closed")
    # Posting and reopening left time for the worst case of every claim in the window.
    id: uint256 = 0
    weight: uint256 = 0
    total: uint256 = 0
    id, weight, total = vaults._lock(msg.sender, batches._bond(terms, b), b.since)
    if packed._holds_seat(b.word, id):
        reverts._fail("provable: has a seat")
    if terms.named == empty(bytes32) or audits:
        self._check_ticket(terms, b, id, weight, total)
    elif not membership._is_member(terms.named, id, proof):
        reverts._fail("provable: not named")
    if audits:
        self._check_owner(b, id)
    log events.SeatClaimed(
        job=b.key,
        operator=id,
        batch=b.number,
        round=b.round,
    )
    return id


@internal
def _check_ticket(
    terms: words.Terms, b: batches.Batch, id: uint256, weight: uint256, total: uint256
):
    ticket: uint256 = sortition._ticket(batches._seed(b), b.key, b.number, id)
    elapsed: uint256 = block.timestamp - b.since
    window: uint256 = words._claim_window(terms.b)
    if not sortition._is_eligible(ticket, 1, elapsed, window, weight, total):
        reverts._fail("provable: not drawn")


@internal
@view
def _check_owner(b: batches.Batch, id: uint256):
    """@notice Revert when the auditor would be the operator under another number."""
    audited: uint256 = packed._seat_id(b.word, b.round, packed.OPERATOR)
    if vaults._owner_of(id) == vaults._owner_of(audited):
        reverts._fail("provable: audits itself")


@internal
@pure
def _granted(b: batches.Batch, id: uint256) -> uint256:
    """@return The batch's word with the open seat given to `id`, whose phase is still to begin."""
    seat: uint256 = packed.AUDITOR if b.phase == packed.AUDIT_OPEN else packed.OPERATOR
    return packed._with_seat(b.word, seat, id)


@internal
@view
def _check_seal(terms: words.Terms, b: batches.Batch, id: uint256):
    """@notice Revert unless operator `id` has the seat that is running."""
    seat: uint256 = packed.OPERATOR
    if b.phase == packed.AUDIT_RUNNING:
        seat = packed.AUDITOR
    elif b.phase != packed.RUNNING:
        reverts._fail("provable: nothing to seal")
    if packed._seat_id(b.word, b.round, seat) != id:
        reverts._fail("provable: not the seat's key")
    if block.timestamp >= b.since + words._run_window(terms.b):
        reverts._fail("provable: seal closed")


@internal
def _seal(b: batches.Batch, word: uint256, id: uint256, digest: bytes32):
    """@notice Keep the seal of `id`, and begin what follows it; `word` is the batch's."""
    seals.records[batches._seal_key(b, id)] = seals._kept(digest)
    log events.ResultSealed(job=b.key, operator=id, batch=b.number, round=b.round, digest=digest)
    if b.phase < packed.SEALED:
        # The next block decides about an audit.
        drawn: uint256 = packed._with_height(word, vaults._next_height())
        batches._enter(b, drawn, packed.SEALED)
    else:
        batches._enter(b, word, packed.REVEAL)
