# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Unfilled rounds
@author Proofmesh
@license AGPL-3.0-only
@notice What becomes of a base round that too few operators joined: another price, or the end.
"""

from . import bills
from . import job_events as events
from . import job_terms
from . import job_vaults as vaults
from . import job_words as words
from . import reverts
from . import rounds

uses: rounds
uses: vaults


@internal
def _raise(terms: words.Terms, batch: uint256, price: uint256, height: uint256) -> uint256:
    """@return What the new round at `price` adds to the reserve."""
    r: rounds.Round = rounds._load(terms, batch)
    if r.first != 0 or not rounds._is_unfilled(r):
        reverts._fail("jobs: nothing to raise")
    if block.timestamp >= self._raise_until(r, terms.b) or r.number == job_terms.RAISES:
        reverts._fail("jobs: raise closed")
    if price <= r.price:
        reverts._fail("jobs: price not raised")
    word: uint256 = words._empty_round(r.number + 1, block.timestamp)
    rounds._begin(r, word, price, r.mask, height)
    vaults._unlock(bills._returned(terms.a, r))
    return bills._reserve(terms.a, r.tasks, price - r.price)


@internal
def _cancel(terms: words.Terms, batch: uint256) -> uint256:
    """@return What is to be refunded."""
    r: rounds.Round = rounds._load(terms, batch)
    idle: bool = r.granted == 0 or rounds._is_unfilled(r)
    if r.first != 0 or not idle:
        reverts._fail("jobs: seats taken")
    return self._close(terms, r, events.CANCELLED)


@internal
def _expire(terms: words.Terms, batch: uint256) -> uint256:
    """@return What is to be refunded."""
    r: rounds.Round = rounds._load(terms, batch)
    if r.first != 0 or r.granted == r.target:
        reverts._fail("jobs: round filled")
    if block.timestamp < self._raise_until(r, terms.b):
        reverts._fail("jobs: expired too early")
    return self._close(terms, r, events.EXPIRED)


@internal
def _close(terms: words.Terms, r: rounds.Round, reason: uint256) -> uint256:
    """@return What is to be refunded for the batch, which ends here with all bonds returned."""
    rounds.batches[r.key][r.batch] = words._final(empty(bytes32))
    vaults._unlock(bills._returned(terms.a, r))
    refund: uint256 = bills._reserve(terms.a, r.tasks, r.price)
    log events.BatchClosed(job=r.key, batch=r.batch, reason=reason, refund=refund)
    return refund


@internal
@pure
def _raise_until(r: rounds.Round, b: uint256) -> uint256:
    return r.claim_until + words._claim_window(b)
