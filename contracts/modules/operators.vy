# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title operators
@license AGPL-3.0-only
@notice Who staked how much, and the weight it gives.
"""

from ..interfaces import IDelegation
from . import epochs
from . import parameters
from . import stake_words

uses: epochs
uses: parameters

MAX_ID: constant(uint256) = 2**24 - 1
MAX_STAKE: constant(uint256) = 2**62 - 1  # gwei, so that all of it can be exiting
ONE_TOKEN: constant(uint256) = 10**9  # gwei

owner_of: public(HashMap[uint256, address])
word_of: HashMap[uint256, uint256]
total_word: uint256
delegation: public(address)


@external
@view
def operator_count() -> uint256:
    """@return How many operators there are; ids run from 1 to it."""
    return stake_words._total(self.total_word).count


@external
@view
def operator(id: uint256) -> stake_words.Operator:
    """@return Stake and exiting stake in gwei, and the weights, of operator `id`."""
    return self._operator(id)


@external
@view
def weight_at(id: uint256, timestamp: uint256) -> (uint256, uint256):
    """@return The weight of `id` and the total weight when the epoch of `timestamp` began."""
    return self._weight_at(self.word_of[id], timestamp), self._total_at(timestamp)


@internal
@view
def _operator(id: uint256) -> stake_words.Operator:
    return stake_words._operator(self.word_of[id])


@internal
@view
def _weight_at(word: uint256, timestamp: uint256) -> uint256:
    place: uint256 = epochs._place(word >> 224, timestamp)
    return (word >> (128 + 32 * place)) & stake_words.U32


@internal
@view
def _total_at(timestamp: uint256) -> uint256:
    word: uint256 = self.total_word
    place: uint256 = epochs._place((word >> 168) & stake_words.U32, timestamp)
    return (word >> (56 * place)) & stake_words.U56


@internal
def _register(owner: address, stake: uint256) -> uint256:
    """@return The id of the new operator, with `stake` gwei."""
    if stake < parameters._minimum_stake() * ONE_TOKEN:
        self._below_minimum()
    total: stake_words.Total = stake_words._total(self.total_word)
    if total.count == MAX_ID:
        self._full()
    total.count += 1
    self.total_word = stake_words._total_word(total)
    self.owner_of[total.count] = owner
    operator: stake_words.Operator = empty(stake_words.Operator)
    operator.stake = stake
    self._save(total.count, operator)
    return total.count


@internal
def _save(id: uint256, operator: stake_words.Operator) -> uint256:
    """
    @notice Write the operator with its weight of now, and move the total by the difference.
    @return Its votes: its own stake and what was delegated to it, without exits.
    """
    if operator.stake > MAX_STAKE:
        self._too_much()
    own: uint256 = operator.stake - operator.exiting
    delegated: uint256 = self._delegated(id, operator)[1]
    weight: uint256 = self._weight(own, delegated)
    changed: stake_words.Operator = operator
    changed.weights = epochs._moved(operator.weights, weight)
    self.word_of[id] = stake_words._operator_word(changed)
    if weight != operator.weights.now:
        total: stake_words.Total = stake_words._total(self.total_word)
        total.weights = epochs._moved(
            total.weights, total.weights.now + weight - operator.weights.now
        )
        self.total_word = stake_words._total_word(total)
    return own + delegated


@internal
@view
def _delegated(id: uint256, operator: stake_words.Operator) -> (uint256, uint256):
    """@return What was delegated to the operator, and the part that is not exiting, gwei."""
    if operator.pooled:
        return staticcall IDelegation(self.delegation).delegated(id)
    return 0, 0


@internal
@view
def _weight(own: uint256, delegated: uint256) -> uint256:
    """@dev Own stake below the minimum has no weight, whatever was delegated to it."""
    if own < parameters._minimum_stake() * ONE_TOKEN:
        return 0
    stake: uint256 = min(own + delegated, own * parameters._leverage())
    return min(stake // ONE_TOKEN, parameters._weight_cap())


@internal
@pure
def _below_minimum():
    raise "staking: below the minimum stake"


@internal
@pure
def _full():
    raise "staking: no id is left"


@internal
@pure
def _too_much():
    raise "staking: stake too large"
