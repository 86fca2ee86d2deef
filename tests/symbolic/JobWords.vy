# pragma version 0.4.3
"""
@title JobWords
@license AGPL-3.0-only
@notice The words of replicated jobs: each change does what it says to its field and leaves the
        others as they were.
"""

from modules import job_words as words
from tests.symbolic import panics


@external
@pure
def check_with_seat(word: uint256, id: uint256, other: uint256):
    seat: uint256 = words._granted(word)
    assert seat < 7 and other < 7 and id < 2**24 and words._seat_id(word, seat) == 0
    after: uint256 = words._with_seat(word, id)
    panics._must(words._granted(after) == seat + 1)
    panics._must(words._seat_id(after, other) == (
        id if other == seat else words._seat_id(word, other)
    ))
    panics._must(after >> 171 == word >> 171)


@external
@pure
def check_with_seal(word: uint256, seat: uint256):
    assert seat < 7
    after: uint256 = words._with_seal(word, seat)
    panics._must(words._sealed(after) == words._sealed(word) | 1 << seat)
    panics._must(after >> 178 == word >> 178 and after << 85 == word << 85)


@external
@pure
def check_empty_round(number: uint256, opened_at: uint256):
    assert number < 8 and opened_at < 2**40
    word: uint256 = words._empty_round(number, opened_at)
    panics._must(words._number(word) == number and word >> 192 == opened_at)
    panics._must(words._granted(word) == 0 and words._sealed(word) == 0)
    panics._must(words._base(word) == 0 and words._silent(word) == 0)


@external
@pure
def check_grown(word: uint256, silent: uint256, opened_at: uint256, seat: uint256):
    assert silent < 128 and opened_at < 2**40 and seat < 7 and words._number(word) < 7
    after: uint256 = words._grown(word, silent, opened_at)
    panics._must(words._seat_id(after, seat) == words._seat_id(word, seat))
    panics._must(words._granted(after) == words._granted(word))
    panics._must(words._sealed(after) == words._sealed(word))
    panics._must(words._number(after) == words._number(word) + 1)
    panics._must(words._base(after) == words._granted(word))
    panics._must(words._silent(after) == silent and after >> 192 == opened_at)


@external
@pure
def check_draw(price: uint256, mask: uint256, height: uint256):
    assert price < 2**88 and mask < 2**32 and height < 2**40
    word: uint256 = words._draw(price, mask, height)
    panics._must(words._price(word) == price and words._draw_mask(word) == mask)
    panics._must(words._draw_height(word) == height and words._draw_seed(word) == 0)


@external
@pure
def check_count(mask: uint256):
    """@notice Against bits that are counted one by one."""
    assert mask < 2**32
    bits: uint256 = 0
    for bit: uint256 in range(32):
        bits += mask >> bit & 1
    panics._must(words._count(mask) == bits)


@external
@pure
def check_full(count: uint256, bit: uint256):
    assert count <= 32 and bit < 256
    panics._must(words._full(count) >> bit & 1 == (1 if bit < count else 0))


@external
@pure
def check_tasks_in(a: uint256, batch: uint256):
    """@notice Whole batches up to the last, which has what is left, and none behind it."""
    last: uint256 = words._tasks(a) - 1
    doublings: uint256 = words._log_batch(a)
    tasks: uint256 = words._tasks_in(a, batch)
    if batch > last >> doublings:
        panics._must(tasks == 0)
    elif batch == last >> doublings:
        panics._must((batch << doublings) + tasks == last + 1)
        panics._must(0 < tasks and tasks <= 1 << doublings)
    else:
        panics._must(tasks == 1 << doublings)
