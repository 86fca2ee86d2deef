# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title stakes
@license AGPL-3.0-only
@notice How an operator's stake comes, waits, leaves and is burnt, with what follows from each.
@dev Amounts are gwei. Moves no token: the deployable does, by what is returned here.
"""

from . import checkpoints
from . import exits
from . import lanes
from . import operators
from . import parameters
from . import stake_words

uses: lanes
uses: operators
uses: parameters
initializes: exits
initializes: checkpoints
exports: (exits.exits_of, checkpoints.votes_at)


event StakeAdded:
    id: indexed(uint256)
    sender: indexed(address)
    amount: uint256


event ExitQueued:
    id: indexed(uint256)
    amount: uint256
    matures_at: uint256


event StakeWithdrawn:
    id: indexed(uint256)
    owner: indexed(address)
    amount: uint256


ONE_GWEI: constant(uint256) = 10**9


@internal
def _add(id: uint256, sender: address, amount: uint256) -> uint256:
    """@return The operator that has `amount` more: `id`, or a new one of `sender` if that is 0."""
    if not parameters._is_sealed():
        self._closed()
    staked: uint256 = id
    if id == 0:
        staked = operators._register(sender, amount)
    else:
        if operators.owner_of[id] == empty(address):
            self._no_operator()
        operator: stake_words.Operator = operators._operator(id)
        operator.stake += amount
        operators._save(id, operator)
    log StakeAdded(id=staked, sender=sender, amount=amount)
    return staked


@internal
def _queue_exit(id: uint256, amount: uint256):
    operator: stake_words.Operator = operators._operator(id)
    if amount > operator.stake - operator.exiting:
        self._not_staked()
    operator.exiting += amount
    rest: uint256 = operator.stake - operator.exiting
    if rest != 0 and rest < parameters._minimum_stake() * operators.ONE_TOKEN:
        self._rest_too_small()
    operators._save(id, operator)
    checkpoints._lower(id, rest)
    matures_at: uint256 = block.timestamp + parameters._unbonding()
    exits._push(id, amount, matures_at)
    log ExitQueued(id=id, amount=amount, matures_at=matures_at)


@internal
def _withdraw(id: uint256, owner: address) -> uint256:
    """@return What matured exits give to `owner`, never below what is locked."""
    operator: stake_words.Operator = operators._operator(id)
    limit: uint256 = operator.stake - lanes._locked(id, operator.reach)
    amount: uint256 = exits._pop(id, limit)
    operator.stake -= amount
    operator.exiting -= amount
    operators._save(id, operator)
    log StakeWithdrawn(id=id, owner=owner, amount=amount)
    return amount


@internal
def _slash(id: uint256, amount: uint256):
    """@notice Take stake away: what is free of exits first, then the oldest exits."""
    operator: stake_words.Operator = operators._operator(id)
    staying: uint256 = operator.stake - operator.exiting
    if amount > staying:
        exits._slash(id, amount - staying)
        operator.exiting -= amount - staying
    operator.stake -= amount
    operators._save(id, operator)
    checkpoints._lower(id, operator.stake - operator.exiting)


@internal
def _sync(id: uint256):
    """@notice Bring weight and votes up to the stake."""
    operator: stake_words.Operator = operators._operator(id)
    operators._save(id, operator)
    checkpoints._sync(id, operator.stake - operator.exiting)


@internal
@pure
def _gwei(amount: uint256) -> uint256:
    """@return `amount` wei in gwei; reverts for nothing, and for parts of a gwei."""
    if amount == 0 or amount % ONE_GWEI != 0:
        self._not_whole()
    return amount // ONE_GWEI


@internal
@pure
def _not_whole():
    raise "staking: not whole gwei"


@internal
@pure
def _closed():
    raise "staking: not open yet"


@internal
@pure
def _no_operator():
    raise "staking: no such operator"


@internal
@pure
def _not_staked():
    raise "staking: more than is staked"


@internal
@pure
def _rest_too_small():
    raise "staking: rest below the minimum"
