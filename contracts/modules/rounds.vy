# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Rounds
@author Proofmesh
@license AGPL-3.0-only
@notice The state of each batch and the one clock of its rounds: claim, run, reveal.
@dev A phase opens early when nothing is outstanding; deadlines are fixed from the round's start and
     never move. Every interval is half-open, [from, until).
"""

from . import job_events as events
from . import job_words as words
from . import reverts
from . import sortition

# job -> seed height 64 | seed 192
jobs: HashMap[bytes32, uint256]
# job -> batch -> word
batches: HashMap[bytes32, HashMap[uint256, uint256]]
# job -> batch -> word of the current round, 0 in the first
draws: HashMap[bytes32, HashMap[uint256, uint256]]


# A batch's current round, as read from storage once a call.
struct Round:
    key: bytes32
    batch: uint256
    word: uint256  # the batch's word
    draw: uint256  # the round's word
    opened_at: uint256
    first: uint256  # the round's first seat: 0 in a base round, in growth the base's size
    target: uint256  # seats once the round is filled, the base's included
    mask: uint256  # the tasks that the round is about
    tasks: uint256  # how many they are
    price: uint256


@internal
def _post(key: bytes32, height: uint256):
    """@notice Begin a job's first round, whose seed is drawn at `height`."""
    if self.jobs[key] != 0:
        reverts._fail("jobs: already posted")
    self.jobs[key] = height


@internal
@view
def _load(terms: words.Terms, batch: uint256) -> Round:
    """@return The current round of a batch that exists and is not final."""
    a: uint256 = terms.a
    key: bytes32 = words._key(terms)
    word: uint256 = self.batches[key][batch]
    tasks: uint256 = words._tasks_in(a, batch)
    if word == 0:
        if self.jobs[key] == 0:
            reverts._fail("jobs: unknown job")
        if tasks == 0:
            reverts._fail("jobs: unknown batch")
    if words._is_final(word):
        reverts._fail("jobs: batch final")

    r: Round = Round(
        key=key,
        batch=batch,
        word=word,
        draw=0,
        opened_at=words._posted_at(terms.b),
        first=words._base(word),
        target=words._seats(a),
        mask=words._full(tasks),
        tasks=tasks,
        price=words._price(a),
    )
    if words._number(word) != 0:
        r.draw = self.draws[key][batch]
        r.opened_at = words._opened_at(word)
        r.price = words._draw_price(r.draw)
    if r.first != 0:
        r.target = min(2 * r.first + 1, words._max_seats(a))
        r.mask = words._draw_mask(r.draw)
        r.tasks = words._count(r.mask)
    return r


@internal
def _store(r: Round):
    self.batches[r.key][r.batch] = r.word


@internal
def _begin(r: Round, word: uint256, price: uint256, mask: uint256, height: uint256):
    """@notice Start the next round of `r`'s batch, `word`, its seed drawn at `height`."""
    self.batches[r.key][r.batch] = word
    self.draws[r.key][r.batch] = words._draw(price, mask, height)
    log events.RoundOpened(
        job=r.key,
        batch=r.batch,
        round=words._number(word),
        price=price,
        mask=mask,
        seed_height=height,
        opened_at=block.timestamp,
    )


@internal
def _end(r: Round):
    """@notice Make the batch final."""
    self.batches[r.key][r.batch] = r.word | words.FINAL


@internal
def _seed(r: Round, source: address) -> uint256:
    """@return The round's seed; the first to ask captures it."""
    if r.draw == 0:
        job: uint256 = self.jobs[r.key]
        if job >> 64 == 0:
            job |= sortition._capture(source, job, 192) << 64
            self.jobs[r.key] = job
        return job >> 64
    seed: uint256 = words._draw_seed(r.draw)
    if seed == 0:
        seed = sortition._capture(source, words._draw_height(r.draw), 96)
        self.draws[r.key][r.batch] = r.draw | (seed << 160)
    return seed


# Where a round stands

@internal
@pure
def _claim_until(r: Round, b: uint256) -> uint256:
    return r.opened_at + words._claim_window(b)


@internal
@pure
def _seal_until(r: Round, b: uint256) -> uint256:
    return self._claim_until(r, b) + words._run_window(b)


@internal
@pure
def _reveal_until(r: Round, b: uint256) -> uint256:
    return self._seal_until(r, b) + words._reveal_window(b)


@internal
@pure
def _is_filled(r: Round) -> bool:
    return words._granted(r.word) == r.target


@internal
@view
def _is_unfilled(r: Round, b: uint256) -> bool:
    """@return Whether the claim window closed with seats to spare: the round is void."""
    return not self._is_filled(r) and block.timestamp >= self._claim_until(r, b)


@internal
@pure
def _seats_of(r: Round) -> uint256:
    """@return The mask of the round's own seats."""
    return words._full(r.target) ^ words._full(r.first)


@internal
@pure
def _all_sealed(r: Round) -> bool:
    """@return Whether every seat of the round is granted and has sealed."""
    own: uint256 = self._seats_of(r)
    return words._sealed(r.word) & own == own


@internal
@view
def _is_open(r: Round, b: uint256) -> bool:
    """@return Whether results may be shown: nobody can seal any more."""
    if self._all_sealed(r):
        return True
    return self._is_filled(r) and block.timestamp >= self._seal_until(r, b)


@internal
@pure
def _seat_of(r: Round, id: uint256) -> uint256:
    """@return The seat that operator `id` holds in this round; reverts without one."""
    for seat: uint256 in range(r.first, words._granted(r.word), bound=7):
        if words._seat_id(r.word, seat) == id:
            return seat
    reverts._fail("jobs: no seat")
    return 0


@internal
@pure
def _holds_seat(word: uint256, id: uint256) -> bool:
    """@return Whether `id` has a seat of the batch, whatever the round."""
    for seat: uint256 in range(words._granted(word), bound=7):
        if words._seat_id(word, seat) == id:
            return True
    return False
