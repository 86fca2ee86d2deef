# pragma version 0.4.3
"""
@title Control
@license AGPL-3.0-only
@notice Claims that do not hold: the run is worth nothing unless each of these is refuted.
"""

from modules import stake_words
from tests.symbolic import panics


@external
@pure
def check_total_uses_every_bit(word: uint256):
    panics._must(stake_words._total_word(stake_words._total(word)) == word)


@external
@pure
def check_one_amount_has_no_fee(amount: uint256):
    panics._must(amount < 2**96 or amount - amount // 40 != 2**96 + 7)
