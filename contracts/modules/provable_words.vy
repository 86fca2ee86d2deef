# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable words
@author Proofmesh
@license AGPL-3.0-only
@notice The packed word of a batch of a provable job (docs/protocol.md, section 5).
@dev Terms and keys are those of `job_words`. `worker/protocol/provable_words.py` reads the same.
"""

# Phases
OPEN: constant(uint256) = 0
RUNNING: constant(uint256) = 1
SEALED: constant(uint256) = 2
AUDIT_OPEN: constant(uint256) = 3
AUDIT_RUNNING: constant(uint256) = 4
REVEAL: constant(uint256) = 5
CHALLENGE: constant(uint256) = 6

# Seats of a round
OPERATOR: constant(uint256) = 0
AUDITOR: constant(uint256) = 1

# Fates of a seat
IN_PLAY: constant(uint256) = 0
OPENED: constant(uint256) = 1
GONE: constant(uint256) = 2  # silent, or nobody took the seat
CONVICTED: constant(uint256) = 3

ROUNDS: constant(uint256) = 3
MAX_HELD: constant(uint256) = 31

# Where the fields begin
PHASE: constant(uint256) = 144
ROUND: constant(uint256) = 147
REDRAWN: constant(uint256) = 1 << 149
UNAUDITED: constant(uint256) = 1 << 150
FATES: constant(uint256) = 151
HELD: constant(uint256) = 155
SINCE: constant(uint256) = 168
HEIGHT: constant(uint256) = 208

IDS: constant(uint256) = (1 << 144) - 1
U40: constant(uint256) = (1 << 40) - 1

# A final word says what the batch came to, and how.
FINAL: constant(uint256) = 1 << 255
ACCEPTED: constant(uint256) = 1 << 254  # by the payer, before the challenge was over


# Terms, word a


@internal
@pure
def _court(a: uint256) -> uint256:
    """@return The index of the court that may convict."""
    return (a >> 212) & 65_535


@internal
@pure
def _audit_bps(a: uint256) -> uint256:
    """@return The share of batches that is audited."""
    return (a >> 228) & 16_383


# Terms, word b


@internal
@pure
def _challenge_window(b: uint256) -> uint256:
    return (b >> 112) & ((1 << 24) - 1)


# Batch


@internal
@pure
def _seat_id(word: uint256, round: uint256, seat: uint256) -> uint256:
    """@return The operator that holds, or held, `seat` of `round`; 0 for none."""
    return (word >> (24 * (2 * round + seat))) & ((1 << 24) - 1)


@internal
@pure
def _played(word: uint256, round: uint256, id: uint256) -> (bool, uint256):
    """@return Whether operator `id` opened in `round` and can still be proved wrong; its seat."""
    if self._is_final(word) or self._round(word) != round:
        return False, 0
    for seat: uint256 in range(2):
        if self._seat_id(word, round, seat) == id:
            return self._fate(word, seat) == OPENED, seat
    return False, 0


@internal
@pure
def _holds_seat(word: uint256, id: uint256) -> bool:
    """@return Whether `id` has, or had, a seat of the batch in any round."""
    for place: uint256 in range(2 * ROUNDS):
        if (word >> (24 * place)) & ((1 << 24) - 1) == id:
            return True
    return False


@internal
@pure
def _phase(word: uint256) -> uint256:
    return (word >> PHASE) & 7


@internal
@pure
def _round(word: uint256) -> uint256:
    return (word >> ROUND) & 3


@internal
@pure
def _fate(word: uint256, seat: uint256) -> uint256:
    return (word >> (FATES + 2 * seat)) & 3


@internal
@pure
def _held(word: uint256, seat: uint256) -> uint256:
    """@return The demands on `seat` that are open."""
    return (word >> (HELD + 5 * seat)) & MAX_HELD


@internal
@pure
def _since(word: uint256) -> uint256:
    """@return When the phase began; 0 in a batch that nobody touched."""
    return (word >> SINCE) & U40


@internal
@pure
def _height(word: uint256) -> uint256:
    """@return Where the round's latest draw is made; 0 before the first."""
    return (word >> HEIGHT) & U40


@internal
@pure
def _is_final(word: uint256) -> bool:
    return word >> 255 == 1


@internal
@pure
def _with_seat(word: uint256, seat: uint256, id: uint256) -> uint256:
    """@return `word` with `id` in `seat` of the running round."""
    offset: uint256 = 24 * (2 * self._round(word) + seat)
    return (word & ~(((1 << 24) - 1) << offset)) | id << offset


@internal
@pure
def _in_phase(word: uint256, phase: uint256, since: uint256) -> uint256:
    """@return `word` as `phase` begins."""
    return (word & ~(7 << PHASE | U40 << SINCE)) | phase << PHASE | since << SINCE


@internal
@pure
def _with_height(word: uint256, height: uint256) -> uint256:
    return (word & ~(U40 << HEIGHT)) | height << HEIGHT


@internal
@pure
def _with_fate(word: uint256, seat: uint256, fate: uint256) -> uint256:
    """@return `word` with the fate of `seat`; no demand on it is open any more."""
    offset: uint256 = FATES + 2 * seat
    held: uint256 = MAX_HELD << (HELD + 5 * seat)
    return (word & ~(3 << offset | held)) | fate << offset


@internal
@pure
def _held_more(word: uint256, seat: uint256) -> uint256:
    return word + (1 << (HELD + 5 * seat))


@internal
@pure
def _held_less(word: uint256, seat: uint256) -> uint256:
    return word - (1 << (HELD + 5 * seat))


@internal
@pure
def _next_round(word: uint256, since: uint256, height: uint256) -> uint256:
    """@return `word` as its next round opens: who had seats stays known, nothing else does."""
    round: uint256 = self._round(word) + 1
    return (word & IDS) | round << ROUND | since << SINCE | height << HEIGHT


@internal
@pure
def _final(result: bytes32, accepted: bool) -> uint256:
    """@return The word of a batch that is over, with the low 254 bits of its result."""
    kept: uint256 = convert(result, uint256) & (ACCEPTED - 1)
    return FINAL | kept | (ACCEPTED if accepted else 0)
