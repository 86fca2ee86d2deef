# pragma version 0.4.3
"""
@title ProvableWords
@license AGPL-3.0-only
@notice The word of a provable batch: each change does what it says to its field and leaves the
        others as they were.
"""

from modules import provable_words as words
from tests.symbolic import panics


@internal
@pure
def _cleared(word: uint256, width: uint256, place: uint256) -> uint256:
    """@return `word` without the field of `width` bits at `place`: all else that it says."""
    return word & ~(((1 << width) - 1) << place)


@external
@pure
def check_with_seat(word: uint256, seat: uint256, id: uint256):
    round: uint256 = words._round(word)
    assert seat < 2 and id < 2**24 and round < 3
    after: uint256 = words._with_seat(word, seat, id)
    place: uint256 = 24 * (2 * round + seat)
    panics._must(words._seat_id(after, round, seat) == id)
    panics._must(self._cleared(after, 24, place) == self._cleared(word, 24, place))
    panics._must(id == 0 or words._holds_seat(after, id))


@external
@pure
def check_in_phase(word: uint256, phase: uint256, since: uint256):
    assert phase < 8 and since < 2**40
    after: uint256 = words._in_phase(word, phase, since)
    panics._must(words._phase(after) == phase and words._since(after) == since)
    panics._must(
        self._cleared(self._cleared(after, 3, 144), 40, 168)
        == self._cleared(self._cleared(word, 3, 144), 40, 168)
    )


@external
@pure
def check_with_height(word: uint256, height: uint256):
    assert height < 2**40
    after: uint256 = words._with_height(word, height)
    panics._must(words._height(after) == height)
    panics._must(self._cleared(after, 40, 208) == self._cleared(word, 40, 208))


@external
@pure
def check_with_fate(word: uint256, seat: uint256, fate: uint256):
    assert seat < 2 and fate < 4
    after: uint256 = words._with_fate(word, seat, fate)
    panics._must(words._fate(after, seat) == fate and words._held(after, seat) == 0)
    panics._must(words._fate(after, 1 - seat) == words._fate(word, 1 - seat))
    panics._must(words._held(after, 1 - seat) == words._held(word, 1 - seat))
    panics._must(self._cleared(after, 14, 151) == self._cleared(word, 14, 151))


@external
@pure
def check_held_more_and_less(word: uint256, seat: uint256):
    assert seat < 2 and words._held(word, seat) < words.MAX_HELD
    more: uint256 = words._held_more(word, seat)
    place: uint256 = 155 + 5 * seat
    panics._must(words._held(more, seat) == words._held(word, seat) + 1)
    panics._must(self._cleared(more, 5, place) == self._cleared(word, 5, place))
    panics._must(words._held_less(more, seat) == word)


@external
@pure
def check_next_round(word: uint256, since: uint256, height: uint256, seat: uint256):
    round: uint256 = words._round(word)
    assert round < 3 and since < 2**40 and height < 2**40 and seat < 2
    after: uint256 = words._next_round(word, since, height)
    panics._must(after % 2**144 == word % 2**144)
    panics._must(words._round(after) == round + 1 and words._phase(after) == words.OPEN)
    panics._must(words._since(after) == since and words._height(after) == height)
    panics._must(words._fate(after, seat) == words.IN_PLAY and words._held(after, seat) == 0)
    panics._must(after & (words.REDRAWN | words.UNAUDITED) == 0 and after >> 248 == 0)


@external
@pure
def check_final(result: bytes32, accepted: bool):
    word: uint256 = words._final(result, accepted)
    panics._must(words._is_final(word))
    panics._must((word & words.ACCEPTED != 0) == accepted)
    panics._must(word % 2**254 == convert(result, uint256) % 2**254)
