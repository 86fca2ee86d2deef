# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Audits
@author Proofmesh
@license AGPL-3.0-only
@notice Whether a sealed batch is audited, and what a window that closed does to it.
@dev A batch is drawn for an audit by the block after its seal, before anything is opened; a draw
     that nobody captured in time counts as drawn, so waiting it out gains nothing.
"""

from . import job_vaults as vaults
from . import job_words as words
from . import provable_batches as batches
from . import provable_events as events
from . import provable_words as packed
from . import reverts
from . import sortition

uses: batches
uses: vaults

BPS: constant(uint256) = 10_000


@internal
@view
def _is_drawn(terms: words.Terms, b: batches.Batch) -> bool:
    """@return Whether the sealed batch is audited; reverts until the draw is known."""
    height: uint256 = packed._height(b.word)
    if sortition._height(vaults.SOURCE) > height + sortition.REACH:
        return True
    seed: uint256 = sortition._capture(vaults.SOURCE, height, 192)
    # Of its own for each batch: one block cannot spare many that were sealed together.
    drawn: bytes32 = keccak256(abi_encode(seed, b.key, b.number))
    return convert(drawn, uint256) % BPS < packed._audit_bps(terms.a)


@internal
@pure
def _without_auditor(word: uint256) -> uint256:
    return packed._with_fate(word, packed.AUDITOR, packed.GONE)


@internal
def _advance(terms: words.Terms, b: batches.Batch) -> uint256:
    """
    @notice Move a batch on whose draw is known or whose window is over.
    @return What is to be refunded: nothing unless the batch ends here.
    """
    refund: uint256 = 0
    if b.phase == packed.SEALED:
        if self._is_drawn(terms, b):
            self._open_audit(b, b.word)
        else:
            batches._enter(b, self._without_auditor(b.word), packed.REVEAL)
    elif b.phase == packed.RUNNING:
        self._check_over(b, words._run_window(terms.b))
        batches._take(terms, b, packed.OPERATOR, batches._bond(terms, b) // 4)
        refund = batches._reopen(terms, b, b.word)
    elif b.phase == packed.AUDIT_OPEN:
        self._check_over(b, words._claim_window(terms.b))
        self._audit_again(b)
    elif b.phase == packed.AUDIT_RUNNING:
        self._check_over(b, words._run_window(terms.b))
        batches._take(terms, b, packed.AUDITOR, batches._bond(terms, b) // 4)
        self._audit_again(b)
    elif b.phase == packed.REVEAL:
        self._check_over(b, words._reveal_window(terms.b))
        refund = self._silence(terms, b)
    else:
        reverts._fail("provable: nothing to advance")
    log events.BatchAdvanced(job=b.key, batch=b.number, word=batches.batches[b.key][b.number])
    return refund


@internal
@view
def _check_over(b: batches.Batch, window: uint256):
    if block.timestamp < b.since + window:
        reverts._fail("provable: advanced too early")


@internal
def _open_audit(b: batches.Batch, word: uint256):
    """@notice Let auditors take the seat, by tickets of a block to come."""
    drawn: uint256 = packed._with_height(word, vaults._next_height())
    batches._enter(b, drawn, packed.AUDIT_OPEN)


@internal
def _audit_again(b: batches.Batch):
    """@notice Draw auditors once more; the second time go on without."""
    if b.word & packed.REDRAWN == 0:
        self._open_audit(b, b.word | packed.REDRAWN)
    else:
        word: uint256 = self._without_auditor(b.word | packed.UNAUDITED)
        batches._enter(b, word, packed.REVEAL)


@internal
def _silence(terms: words.Terms, b: batches.Batch) -> uint256:
    """@notice Burn the bonds of those that sealed and did not open. @return The refund."""
    word: uint256 = b.word
    for seat: uint256 in range(2):
        if packed._fate(word, seat) == packed.IN_PLAY:
            batches._take(terms, b, seat, batches._bond(terms, b))
            word = packed._with_fate(word, seat, packed.GONE)
    return batches._progress(terms, b, word)


@internal
@view
def _spared(terms: words.Terms, b: batches.Batch) -> batches.Batch:
    """@return A sealed batch as its results may be shown; reverts if it is to be audited."""
    if self._is_drawn(terms, b):
        reverts._fail("provable: audit drawn")
    after: batches.Batch = b
    after.word = packed._in_phase(self._without_auditor(b.word), packed.REVEAL, block.timestamp)
    after.phase = packed.REVEAL
    after.since = block.timestamp
    return after
