# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable batches
@author Proofmesh
@license AGPL-3.0-only
@notice The state of each batch of provable jobs: its phase, when that began, its seats, its draw.
@dev A phase's deadline counts from its own beginning. Every interval is half-open, [from, until).
"""

from . import job_events as events
from . import job_vaults as vaults
from . import job_words as words
from . import provable_events
from . import provable_terms
from . import provable_words as packed
from . import reverts
from . import seals
from . import sortition

uses: vaults

U64: constant(uint256) = 2**64 - 1

# job -> seed height 64 | seed 192
jobs: HashMap[bytes32, uint256]
# job -> batch -> word
batches: HashMap[bytes32, HashMap[uint256, uint256]]
# job -> batch -> height 64 | seed 192 of the latest draw of seats, once somebody captured it
draws: HashMap[bytes32, HashMap[uint256, uint256]]


# A batch as read from storage once a call.
struct Batch:
    key: bytes32
    number: uint256
    word: uint256
    tasks: uint256
    phase: uint256
    since: uint256
    round: uint256


@internal
def _post(key: bytes32, height: uint256):
    """@notice Begin a job, whose first seats are drawn at `height`."""
    if self.jobs[key] != 0:
        reverts._fail("provable: already posted")
    self.jobs[key] = height


@internal
@view
def _load(terms: words.Terms, number: uint256) -> Batch:
    """@return The state of a batch that exists and is not final."""
    b: Batch = empty(Batch)
    b.key = words._key(terms)
    b.number = number
    b.word = self.batches[b.key][number]
    b.tasks = words._tasks_in(terms.a, number)
    if b.word == 0:
        if self.jobs[b.key] == 0:
            reverts._fail("provable: unknown job")
        if b.tasks == 0:
            reverts._fail("provable: unknown batch")
        b.since = terms.b & packed.U40  # posted_at
        return b
    if packed._is_final(b.word):
        reverts._fail("provable: batch final")
    b.phase = packed._phase(b.word)
    b.since = packed._since(b.word)
    b.round = packed._round(b.word)
    return b


@internal
def _store(b: Batch, word: uint256):
    """@notice Keep `word` as the batch's."""
    self.batches[b.key][b.number] = word


@internal
def _seed(b: Batch) -> uint256:
    """@return The seed that the open seat is drawn by; the first to ask captures it."""
    height: uint256 = packed._height(b.word)
    if height == 0:
        job: uint256 = self.jobs[b.key]
        if job >> 64 == 0:
            job |= sortition._capture(vaults.SOURCE, job, 192) << 64
            self.jobs[b.key] = job
        return job >> 64
    draw: uint256 = self.draws[b.key][b.number]
    if draw & U64 != height:
        draw = height | sortition._capture(vaults.SOURCE, height, 192) << 64
        self.draws[b.key][b.number] = draw
    return draw >> 64


@internal
@pure
def _seal_key(b: Batch, id: uint256) -> bytes32:
    """@return Where the seal of `id` in the running round is kept."""
    return seals._key(b.key, b.number, b.round, id)


@internal
@pure
def _seat_of(b: Batch, id: uint256) -> uint256:
    """@return The seat that operator `id` holds in the running round; reverts without one."""
    for seat: uint256 in range(2):
        if packed._seat_id(b.word, b.round, seat) == id:
            return seat
    reverts._fail("provable: no seat")
    return 0


@internal
@view
def _played(key: bytes32, number: uint256, round: uint256, id: uint256) -> (bool, uint256):
    """@return Whether operator `id` opened in `round` and can still be proved wrong; its seat."""
    return packed._played(self.batches[key][number], round, id)


@internal
@pure
def _bond(terms: words.Terms, b: Batch) -> uint256:
    """@return What each seat of the batch locks, gwei."""
    return words._bond(terms.a) * b.tasks


@internal
@pure
def _reserve(terms: words.Terms, b: Batch) -> uint256:
    """@return What Escrow holds for the batch: the price, and once more for an audit."""
    return 2 * words._price(terms.a) * b.tasks


# Moving on


@internal
def _enter(b: Batch, word: uint256, phase: uint256):
    """@notice Begin `phase` now with the batch's `word`."""
    self._store(b, packed._in_phase(word, phase, block.timestamp))


@internal
def _progress(terms: words.Terms, b: Batch, word: uint256) -> uint256:
    """
    @notice Go on after a seat opened, fell silent or was convicted.
    @return What is to be refunded: nothing unless the batch ends here.
    """
    first: uint256 = packed._fate(word, packed.OPERATOR)
    second: uint256 = packed._fate(word, packed.AUDITOR)
    if first != packed.IN_PLAY and second != packed.IN_PLAY:
        if first != packed.OPENED and second != packed.OPENED:
            return self._reopen(terms, b, word)
        if packed._phase(word) == packed.REVEAL:
            self._enter(b, word, packed.CHALLENGE)
            return 0
    self._store(b, word)
    return 0


@internal
def _reopen(terms: words.Terms, b: Batch, word: uint256) -> uint256:
    """
    @notice Start another round with a new draw, or end the batch when there is no time for one.
    @return What is to be refunded.
    """
    end: uint256 = block.timestamp + words._claim_window(terms.b)
    end += provable_terms._worst_case(terms.b)
    if b.round + 1 == packed.ROUNDS or end > words._expiry(terms.b):
        return self._close(terms, b, provable_events.EXHAUSTED)
    height: uint256 = vaults._next_height()
    self._store(b, packed._next_round(word, block.timestamp, height))
    log events.RoundOpened(
        job=b.key,
        batch=b.number,
        round=b.round + 1,
        price=words._price(terms.a),
        mask=words._full(b.tasks),
        seed_height=height,
        opened_at=block.timestamp,
    )
    return 0


@internal
def _close(terms: words.Terms, b: Batch, reason: uint256) -> uint256:
    """@return What is to be refunded for the batch, which ends here without a result."""
    self._store(b, packed._final(empty(bytes32), False))
    refund: uint256 = self._reserve(terms, b)
    log events.BatchClosed(job=b.key, batch=b.number, reason=reason, refund=refund)
    return refund


@internal
def _take(terms: words.Terms, b: Batch, seat: uint256, burnt: uint256):
    """@notice End a seat that failed its duty: burn a part of its bond, release the rest."""
    id: uint256 = packed._seat_id(b.word, b.round, seat)
    released: uint256 = self._bond(terms, b) - burnt
    vaults._unlock([id | burnt << 120 | released << 184])
    log provable_events.SeatForfeited(
        job=b.key, operator=id, batch=b.number, round=b.round, burnt=burnt, released=released
    )
