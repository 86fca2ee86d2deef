# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title StakeWordsHarness
@license AGPL-3.0-only
@notice Test only: packs and unpacks each word of Staking.
"""

from ..modules import stake_words


@external
@pure
def operator(fields: stake_words.Operator) -> (uint256, stake_words.Operator):
    word: uint256 = stake_words._operator_word(fields)
    return word, stake_words._operator(word)


@external
@pure
def lockable(word: uint256) -> (uint256, uint256):
    return stake_words._free(word), stake_words._reach(word)


@external
@pure
def total(fields: stake_words.Total) -> (uint256, stake_words.Total):
    word: uint256 = stake_words._total_word(fields)
    return word, stake_words._total(word)


@external
@pure
def service(fields: stake_words.Service) -> (uint256, stake_words.Service):
    word: uint256 = stake_words._service_word(fields)
    return word, stake_words._service(word)


@external
@pure
def opt_in(fields: stake_words.OptIn) -> (uint256, stake_words.OptIn):
    word: uint256 = stake_words._opt_in_word(fields)
    return word, stake_words._opt_in(word)


@external
@pure
def worker_key(fields: stake_words.WorkerKey) -> (uint256, stake_words.WorkerKey):
    word: uint256 = stake_words._worker_key_word(fields)
    return word, stake_words._worker_key(word)
