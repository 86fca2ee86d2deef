# pragma version 0.4.3
"""
@title StakeWords
@license AGPL-3.0-only
@notice The words of Staking: fields within their widths come back as they were put in, and a word
        is what its fields make.
"""

from modules import stake_words
from tests.symbolic import panics


@external
@pure
def check_operator_word(word: uint256):
    panics._must(stake_words._operator_word(stake_words._operator(word)) == word)


@external
@pure
def check_operator_fields(o: stake_words.Operator):
    assert o.stake < 2**63 and o.exiting < 2**62 and o.reach < 4
    assert o.weights.before < 2**32 and o.weights.start < 2**32
    assert o.weights.now < 2**32 and o.weights.epoch < 2**32
    got: stake_words.Operator = stake_words._operator(stake_words._operator_word(o))
    panics._must(got.stake == o.stake and got.exiting == o.exiting and got.reach == o.reach)
    panics._must(got.weights.before == o.weights.before and got.weights.start == o.weights.start)
    panics._must(got.weights.now == o.weights.now and got.weights.epoch == o.weights.epoch)
    panics._must(got.pooled == o.pooled)


@external
@pure
def check_operator_free_and_reach(word: uint256):
    o: stake_words.Operator = stake_words._operator(word)
    panics._must(stake_words._reach(word) == o.reach)
    assert o.exiting <= o.stake
    panics._must(stake_words._free(word) == o.stake - o.exiting)


@external
@pure
def check_total_word(word: uint256):
    assert word < 2**224
    panics._must(stake_words._total_word(stake_words._total(word)) == word)


@external
@pure
def check_total_fields(t: stake_words.Total):
    assert t.weights.before < 2**56 and t.weights.start < 2**56 and t.weights.now < 2**56
    assert t.weights.epoch < 2**32 and t.count < 2**24
    got: stake_words.Total = stake_words._total(stake_words._total_word(t))
    panics._must(got.weights.before == t.weights.before and got.weights.start == t.weights.start)
    panics._must(got.weights.now == t.weights.now and got.weights.epoch == t.weights.epoch)
    panics._must(got.count == t.count)


@external
@pure
def check_service_word(word: uint256):
    assert word < 2**192
    panics._must(stake_words._service_word(stake_words._service(word)) == word)


@external
@pure
def check_service_fields(s: stake_words.Service):
    assert s.place < 2**8 and s.standing < 2**64 and s.announced_at < 2**40
    assert s.admitted_at < 2**40 and s.retired_at < 2**40
    got: stake_words.Service = stake_words._service(stake_words._service_word(s))
    panics._must(got.place == s.place and got.standing == s.standing)
    panics._must(got.announced_at == s.announced_at and got.admitted_at == s.admitted_at)
    panics._must(got.retired_at == s.retired_at)


@external
@pure
def check_opt_in_word(word: uint256):
    assert word < 2**208
    panics._must(stake_words._opt_in_word(stake_words._opt_in(word)) == word)


@external
@pure
def check_opt_in_fields(o: stake_words.OptIn):
    assert o.ceiling < 2**64 and o.standing < 2**64
    assert o.left_at < 2**40 and o.convicted_at < 2**40
    got: stake_words.OptIn = stake_words._opt_in(stake_words._opt_in_word(o))
    panics._must(got.ceiling == o.ceiling and got.standing == o.standing)
    panics._must(got.left_at == o.left_at and got.convicted_at == o.convicted_at)


@external
@pure
def check_worker_key_word(word: uint256):
    assert word < 2**89
    panics._must(stake_words._worker_key_word(stake_words._worker_key(word)) == word)


@external
@pure
def check_worker_key_fields(k: stake_words.WorkerKey):
    assert k.operator < 2**24 and k.ceiling < 2**64
    got: stake_words.WorkerKey = stake_words._worker_key(stake_words._worker_key_word(k))
    panics._must(got.operator == k.operator and got.ceiling == k.ceiling)
    panics._must(got.retired == k.retired)
