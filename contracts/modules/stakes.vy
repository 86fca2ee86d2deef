# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title stakes
@license AGPL-3.0-only
@notice How an operator's stake comes, waits, leaves and is burnt, with what follows from each.
@dev Amounts are gwei. Moves no token: the deployable does, by what is returned here.
"""

from ..interfaces import IDelegation
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
    checkpoints._lower(id, operators._save(id, operator))
    matures_at: uint256 = block.timestamp + parameters._unbonding()
    exits._push(id, amount, matures_at)
    log ExitQueued(id=id, amount=amount, matures_at=matures_at)


@internal
def _withdraw(id: uint256, owner: address) -> uint256:
    """@return What matured exits give to `owner`, never below what is locked."""
    operator: stake_words.Operator = operators._operator(id)
    locked: uint256 = lanes._locked(id, operator.reach, lanes.ALL)
    owed: uint256 = locked - min(locked, operators._delegated(id, operator)[0])
    limit: uint256 = operator.stake - max(owed, self._own_locked(id, operator.reach))
    amount: uint256 = exits._pop(id, limit)
    operator.stake -= amount
    operator.exiting -= amount
    operators._save(id, operator)
    log StakeWithdrawn(id=id, owner=owner, amount=amount)
    return amount


@internal
def _slash(id: uint256, amount: uint256) -> uint256:
    """
    @notice Take stake away: the operator's own that is free of exits first, then its oldest exits,
            then what was delegated to it. What only own stake may back keeps it.
    @return The operator's own part, which is still to be burnt or paid.
    """
    operator: stake_words.Operator = operators._operator(id)
    own: uint256 = min(amount, operator.stake - self._own_locked(id, operator.reach))
    staying: uint256 = operator.stake - operator.exiting
    if own > staying:
        exits._slash(id, own - staying)
        operator.exiting -= own - staying
    operator.stake -= own
    if own < amount:
        extcall IDelegation(operators.delegation).slash(id, amount - own)
    checkpoints._lower(id, operators._save(id, operator))
    return own


@internal
def _sync(id: uint256):
    """@notice Bring weight and votes up to the stake."""
    operator: stake_words.Operator = operators._operator(id)
    checkpoints._sync(id, operators._save(id, operator))


@internal
@view
def _check_room(id: uint256, word: uint256, locked: uint256):
    """
    @notice Refuse more locks than an operator's stake, exits left out, may back. What is delegated
            backs as much as the leverage leaves, and nothing that needs own stake.
    """
    operator: stake_words.Operator = stake_words._operator(word)
    own: uint256 = operator.stake - operator.exiting
    room: uint256 = min(operators._delegated(id, operator)[1], own * (parameters._leverage() - 1))
    if locked > own + room or self._own_locked(id, operator.reach) > own:
        self._not_free()


@internal
@view
def _own_locked(id: uint256, reach: uint256) -> uint256:
    return lanes._locked(id, reach, parameters._own_only())


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
def _not_free():
    raise "staking: not enough free stake"


@internal
@pure
def _rest_too_small():
    raise "staking: rest below the minimum"
