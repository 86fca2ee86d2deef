# pragma version 0.4.3
"""
@title Money
@license AGPL-3.0-only
@notice Fees, credits and bonds: no fee above what is paid, no half of a word spilling into the
        other, nobody losing more than the bond of a task.
"""

from modules import agreements
from modules import credits
from modules import outcome
from tests.symbolic import panics

initializes: credits
initializes: agreements[credits := credits]

TASKS: constant(uint256) = 32  # of a batch, at most


@external
def check_pay(left: uint256, asked: uint256, fee_bps: uint256):
    """@notice What an operator and its fee get together is what was asked for, or what was left."""
    assert 0 < left and left < 2**96 and asked < 2**96 and fee_bps <= 1_000
    agreement: agreements.Agreement = empty(agreements.Agreement)
    agreement.fee_bps = fee_bps
    agreements._store(agreements._key(agreement), self, left)
    panics._must(agreements._pay(agreement, [1 | asked << 24], 0, 0) == 0)
    word: uint256 = credits.operator_credit_word[1 << 16]
    paid: uint256 = min(asked, left)
    panics._must((word & credits.U128) + (word >> 128) == paid)
    panics._must(agreements._agreement(agreement)[1] == left - paid)


@external
def check_credit_operator(word: uint256, amount: uint256, fee: uint256):
    """@notice The halves of the word grow apart, as far as 2^32 payments can bring them."""
    assert amount < 2**96 and fee < 2**96
    assert word & credits.U128 < 2**128 - 2**96 and word >> 128 < 2**128 - 2**96
    credits.operator_credit_word[1 << 16] = word
    credits._credit_operator(1, 0, amount, fee)
    after: uint256 = credits.operator_credit_word[1 << 16]
    panics._must(after & credits.U128 == (word & credits.U128) + amount)
    panics._must(after >> 128 == (word >> 128) + fee)


@external
@pure
def check_contest_fee(price: uint256, bond: uint256, token: uint256):
    panics._must(outcome._contest_fee(price, bond, token) <= bond)


@external
@pure
def check_lost_by_one_task(bond: uint256, fee: uint256):
    assert bond < 2**64 and fee < 2**64
    panics._must(outcome._lost(outcome.BURNT, bond, fee) == bond)
    panics._must(outcome._lost(outcome.QUARTERED, bond, fee) == bond // 4)
    panics._must(outcome._lost(outcome.CONTESTED, bond, fee) == fee)
    panics._must(outcome._lost(outcome.PAID | outcome.ABORTED, bond, fee) == 0)


@external
@pure
def check_aborted(aborted: uint256, price: uint256):
    """@notice What could not be finished earns no more than a task that was."""
    assert aborted <= TASKS and price < 2**88
    panics._must(outcome._aborted(aborted << 8, price) <= aborted * price)
