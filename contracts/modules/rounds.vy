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

U40: constant(uint256) = 2**40 - 1
U88: constant(uint256) = 2**88 - 1

NO_SEAT: constant(uint256) = 7

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
    number: uint256
    granted: uint256  # seats so far, the base's included
    first: uint256  # the round's first seat: 0 in a base round, in growth the base's size
    target: uint256  # seats once the round is filled, the base's included
    mask: uint256  # the tasks that the round is about
    tasks: uint256  # how many they are
    price: uint256
    opened_at: uint256
    claim_until: uint256
    seal_until: uint256
    reveal_until: uint256


@internal
def _post(key: bytes32, height: uint256):
    """@notice Begin a job's first round, whose seed is drawn at `height`."""
    if self.jobs[key] != 0:
        reverts._fail("jobs: already posted")
    self.jobs[key] = height


@internal
@view
def _load(terms: words.Terms, batch: uint256) -> Round:
    """
    @return The current round of a batch that exists and is not final.
    @dev Every call about a batch comes through here, so the key is computed and fields are taken
         out of their words in place: a function of job_words costs 60 gas a call. Sums of times
         cannot overflow.
    """
    a: uint256 = terms.a
    b: uint256 = terms.b
    r: Round = empty(Round)
    r.key = keccak256(abi_encode(chain.id, self, a, b, terms.named, terms.origin))
    r.batch = batch
    r.word = self.batches[r.key][batch]
    r.tasks = words._tasks_in(a, batch)
    if r.word == 0:
        if self.jobs[r.key] == 0:
            reverts._fail("jobs: unknown job")
        if r.tasks == 0:
            reverts._fail("jobs: unknown batch")
    if r.word >= words.FINAL:
        reverts._fail("jobs: batch final")

    r.granted = (r.word >> 168) & 7
    r.number = (r.word >> 178) & 7
    if r.number == 0:
        r.price = a & U88
        r.opened_at = b & U40
    else:
        r.draw = self.draws[r.key][batch]
        r.price = r.draw & U88
        r.opened_at = r.word >> 192
        r.first = words._base(r.word)
    if r.first == 0:
        r.target = (a >> 172) & 7
        r.mask = ~(words.ALL << r.tasks)
    else:
        r.target = min(2 * r.first + 1, words._max_seats(a))
        r.mask = words._draw_mask(r.draw)
        r.tasks = words._count(r.mask)
    r.claim_until = unsafe_add(r.opened_at, (b >> 40) & words.U24)
    r.seal_until = unsafe_add(r.claim_until, (b >> 64) & words.U24)
    r.reveal_until = unsafe_add(r.seal_until, (b >> 88) & words.U24)
    return r


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
def _seed(job: bytes32, batch: uint256, draw: uint256, source: address) -> uint256:
    """
    @param draw The round's word.
    @return The round's seed; the first to ask captures it.
    """
    if draw == 0:
        word: uint256 = self.jobs[job]
        if word >> 64 == 0:
            word |= sortition._capture(source, word, 192) << 64
            self.jobs[job] = word
        return word >> 64
    seed: uint256 = words._draw_seed(draw)
    if seed == 0:
        seed = sortition._capture(source, words._draw_height(draw), 96)
        self.draws[job][batch] = draw | (seed << 160)
    return seed


# Where a round stands

@internal
@view
def _is_unfilled(r: Round) -> bool:
    """@return Whether the claim window closed with seats to spare: the round is void."""
    return r.granted != r.target and block.timestamp >= r.claim_until


@internal
@pure
def _own(first: uint256, target: uint256) -> uint256:
    """@return The mask of a round's own seats, [first, target)."""
    return words.ALL << first ^ words.ALL << target


@internal
@view
def _is_open(r: Round) -> bool:
    """@return Whether results may be shown: all seats are granted and nobody can seal any more."""
    if r.granted != r.target:
        return False
    if block.timestamp >= r.seal_until:
        return True
    return self._own(r.first, r.target) & ~words._sealed(r.word) == 0


@internal
@pure
def _seat_of(word: uint256, first: uint256, end: uint256, id: uint256) -> uint256:
    """@return Which of the seats in [first, end) operator `id` holds, or NO_SEAT."""
    ids: uint256 = word >> unsafe_mul(24, first)
    for seat: uint256 in range(first, end, bound=7):
        if ids & words.U24 == id:
            return seat
        ids >>= 24
    return NO_SEAT
