# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Demand hooks
@author Proofmesh
@license AGPL-3.0-only
@notice What the contract of demands may do to a batch: keep it from settling for a bounded time, and
        end a seat that does not serve what it opened.
"""

from . import job_vaults as vaults
from . import job_words as words
from . import provable_batches as batches
from . import provable_terms
from . import provable_words as packed
from . import reverts

uses: batches
uses: vaults

# job -> batch -> when an answer last let it go
released_at: HashMap[bytes32, HashMap[uint256, uint256]]


@internal
def _hold(terms: words.Terms, b: batches.Batch, id: uint256, until: uint256) -> uint256:
    """@return The running round."""
    seat: uint256 = batches._seat_of(b, id)
    if packed._fate(b.word, seat) != packed.OPENED:
        reverts._fail("provable: seat opened nothing")
    if packed._held(b.word, seat) == packed.MAX_HELD:
        reverts._fail("provable: too many demands")
    if until > self._demands_until(terms.b, b):
        reverts._fail("provable: too late to demand")
    batches._store(b, packed._held_more(b.word, seat))
    return b.round


@internal
@view
def _demands_until(b: uint256, state: batches.Batch) -> uint256:
    """@return When the last answer must be due, so that no demand can hold a batch for ever."""
    window: uint256 = provable_terms._challenge(b, state.word & packed.UNAUDITED != 0)
    return state.since + window + provable_terms.DEMAND_TIME


@internal
@view
def _is_held(key: bytes32, number: uint256, round: uint256, id: uint256) -> (bool, uint256):
    """@return Whether a demand on the seat of `id` in `round` still counts, and which seat it is.
    """
    is_played: bool = False
    seat: uint256 = 0
    is_played, seat = batches._played(key, number, round, id)
    return is_played and packed._held(batches.batches[key][number], seat) != 0, seat


@internal
def _release(key: bytes32, number: uint256, round: uint256, id: uint256):
    is_held: bool = False
    seat: uint256 = 0
    is_held, seat = self._is_held(key, number, round, id)
    if is_held:
        word: uint256 = batches.batches[key][number]
        batches.batches[key][number] = packed._held_less(word, seat)
        self.released_at[key][number] = block.timestamp


@internal
@view
def _check_quiet(b: batches.Batch, grace: uint256):
    """
    @notice Revert while somebody may still go on from the last answer.
    @dev Else a liar answers all that is open and settles, before its answers lead anybody on.
    """
    if block.timestamp < self.released_at[b.key][b.number] + grace:
        reverts._fail("provable: answered just now")


@internal
def _silence(terms: words.Terms, number: uint256, round: uint256, id: uint256):
    is_held: bool = False
    seat: uint256 = 0
    is_held, seat = self._is_held(words._key(terms), number, round, id)
    if not is_held:
        return
    b: batches.Batch = batches._load(terms, number)
    word: uint256 = packed._with_fate(b.word, seat, packed.GONE)
    refund: uint256 = batches._progress(terms, b, word)
    batches._take(terms, b, seat, batches._bond(terms, b))
    vaults._pay(terms, b.key, [], refund, 0)
