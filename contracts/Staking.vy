# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Staking
@license AGPL-3.0-only
@notice Holds every operator's stake. Admitted services lock parts of it, release and burn them.
@dev docs/protocol.md, section 2. Stake moves in whole gwei: `amount` of what an owner calls is
     wei, `amount` of what a service calls is gwei.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IEscrow
from .interfaces import IStaking
from .modules import admission
from .modules import convicted
from .modules import epochs
from .modules import lanes
from .modules import operators
from .modules import parameters
from .modules import stake_words
from .modules import stakes
from .modules import staking_owner
from .modules import transfers
from .modules import worker_keys

implements: IStaking

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: parameters
initializes: epochs
initializes: operators[epochs := epochs, parameters := parameters]
initializes: lanes
initializes: worker_keys
initializes: convicted
initializes: admission[parameters := parameters]
initializes: stakes[lanes := lanes, operators := operators, parameters := parameters]
initializes: staking_owner[
    admission := admission, operators := operators, ownable := ownable, parameters := parameters
]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    parameters.unbonding,
    parameters.minimum_stake,
    parameters.weight_cap,
    parameters.leverage,
    parameters.is_sealed,
    epochs.epoch_length,
    operators.owner_of,
    operators.operator,
    operators.operator_count,
    operators.weight_at,
    operators.delegation,
    lanes.locked_of,
    stakes.exits_of,
    worker_keys.worker_of,
    worker_keys.operator_of,
    worker_keys.worker_key,
    worker_keys.eip712Domain,
    admission.is_active,
    admission.service,
    admission.service_count,
    stakes.votes_at,
    convicted.kept_for,
    staking_owner.bind_delegation,
    staking_owner.admit_genesis,
    staking_owner.seal_genesis,
    staking_owner.announce_service,
    staking_owner.admit_service,
    staking_owner.retire_service,
    staking_owner.set_unbonding,
    staking_owner.set_minimum_stake,
    staking_owner.set_weight_cap,
    staking_owner.set_leverage,
)


interface IBurnable:
    def burn(amount: uint256): nonpayable


# Locks and releases are in the services' own logs; what is taken away is in this one too.
event StakeBurnt:
    id: indexed(uint256)
    service: indexed(address)
    amount: uint256  # gwei, as in all events


U24: constant(uint256) = 2**24 - 1
U64: constant(uint256) = 2**64 - 1
MAX_ITEMS: constant(uint256) = 7

MAX_LOCK: public(constant(uint256)) = parameters.MAX_LOCK
TOKEN: immutable(address)


@deploy
def __init__(
    token: address,
    epoch_length: uint256,
    unbonding: uint256,
    minimum_stake: uint256,
    weight_cap: uint256,
    leverage: uint256,
):
    """
    @param epoch_length Seconds.
    @param unbonding Seconds.
    @param minimum_stake Whole tokens.
    @param weight_cap Whole tokens.
    @param leverage How many times its own stake an operator's weight and locks may be.
    """
    ownable.__init__()
    ownable_2step.__init__()
    parameters.__init__(unbonding, minimum_stake, weight_cap, leverage)
    epochs.__init__(epoch_length)
    worker_keys.__init__()
    TOKEN = token


# Operators


@external
def stake(id: uint256, amount: uint256, permit: IEscrow.Permit) -> uint256:
    """
    @notice Stake `amount` wei for operator `id`; anyone may.
    @param id 0 makes the caller owner of a new operator.
    @return The operator's id.
    """
    staked: uint256 = stakes._add(id, msg.sender, stakes._gwei(amount))
    transfers._draw(TOKEN, msg.sender, amount, permit)
    return staked


@external
def unstake(id: uint256, amount: uint256):
    """@notice Queue `amount` wei for exit. It stays slashable until it is withdrawn."""
    self._check_operator_owner(id)
    stakes._queue_exit(id, stakes._gwei(amount))


@external
def withdraw(id: uint256):
    """@notice Pay matured exits to the owner: at most 8, and never what is still locked."""
    self._check_operator_owner(id)
    amount: uint256 = stakes._withdraw(id, msg.sender)
    transfers._send(TOKEN, msg.sender, amount * stakes.ONE_GWEI)


@external
def set_worker(
    id: uint256, worker: address, ceiling: uint64, deadline: uint256, signature: Bytes[65]
):
    """
    @notice Name the key that works for operator `id`; the one before is retired for ever.
    @param worker The zero address for none. The present key again only moves its ceiling.
    @param ceiling The most that may be locked when this key locks, gwei.
    @param signature The key's consent, EIP-712 SetWorker, before `deadline`.
    """
    self._check_operator_owner(id)
    worker_keys._set(id, msg.sender, worker, convert(ceiling, uint256), deadline, signature)


@external
def opt_in(id: uint256, service: address, ceiling: uint64):
    """
    @notice Let `service` lock up to `ceiling` gwei, its standing bond included.
    @dev The bond is locked the first time; calling again moves the ceiling.
    """
    self._check_operator_owner(id)
    joined: stake_words.Service = admission._active(service)
    index: uint256 = joined.place - 1
    operator: stake_words.Operator = operators._operator(id)
    if index // lanes.PER_WORD > operator.reach:
        operator.reach = index // lanes.PER_WORD
        operators._save(id, operator)
    if lanes._join(id, index, service, convert(ceiling, uint256), joined.standing):
        if lanes._locked(id, operator.reach, lanes.ALL) > operator.stake - operator.exiting:
            stakes._not_free()


@external
def leave(id: uint256, service: address):
    """@notice Stop new locks of `service`; its bond can be released MAX_LOCK later."""
    self._check_operator_owner(id)
    lanes._leave(id, admission._index(service), service, MAX_LOCK)


@external
def release_standing(id: uint256, service: address):
    """@notice Free the standing bond of a service that the operator left; anyone may."""
    lanes._release_standing(id, admission._index(service), service, MAX_LOCK)


@external
def void(service: address, id: uint256):
    """@notice Free all that a long-retired service still holds of operator `id`; anyone may."""
    lanes._void(id, admission._voidable_index(service), service)


@external
def sync_votes(id: uint256):
    """@notice Bring votes and weight of operator `id` up to its stake; anyone may."""
    stakes._sync(id)


@external
@view
def lane(id: uint256, service: address) -> uint256:
    """@return What `service` has locked of operator `id`, its standing bond included, gwei."""
    return lanes._lane(id, admission._index(service))


@external
@view
def opt_in_of(id: uint256, service: address) -> stake_words.OptIn:
    """@return What operator `id` allows `service`, gwei, and when it left."""
    return lanes._opt_in(id, admission._index(service))


@external
def pool(id: uint256):
    """@notice Count what others delegate to operator `id` from now on; Delegation only."""
    if msg.sender != operators.delegation:
        self._not_delegation()
    operator: stake_words.Operator = operators._operator(id)
    operator.pooled = True
    operators._save(id, operator)


@external
@view
def stake_of(id: uint256) -> uint256:
    """@return The own stake of operator `id`, exits included, gwei."""
    return operators._operator(id).stake


@external
@view
def convicted_at(id: uint256) -> uint256:
    """@return When operator `id` was convicted last, 0 for never."""
    return lanes._convicted_at(id, admission.service_count)


# Services


@external
def lock(worker: address, amount: uint256, at: uint256) -> (uint256, uint256, uint256):
    """
    @notice Lock `amount` gwei of the stake that `worker` works for; services only.
    @param at The moment whose epoch fixes the weights; not in the future.
    @return The operator's id, its weight and the total weight when that epoch began.
    """
    index: uint256 = admission._active_index(msg.sender)
    if at > block.timestamp:
        self._future()
    id: uint256 = 0
    ceiling: uint256 = 0
    id, ceiling = worker_keys._active(worker)
    operator: uint256 = operators.word_of[id]
    locked: uint256 = lanes._lock(id, index, amount, stake_words._reach(operator))
    if locked > stake_words._free(operator):
        stakes._check_room(id, operator, locked)
    if locked > ceiling:
        self._above_key_ceiling()
    return id, operators._weight_at(operator, at), operators._total_at(at)


@external
def settle(items: DynArray[uint256, MAX_ITEMS]):
    """
    @notice Release and burn what the calling service locked; retired services too.
    @param items Each id 24 | unread here 96 | burn, gwei 64 | release, gwei 64.
    """
    index: uint256 = admission._index(msg.sender)
    burnt: uint256 = 0
    for item: uint256 in items:
        id: uint256 = item & U24
        burn: uint256 = (item >> 120) & U64
        lanes._take(id, index, burn + (item >> 184))
        if burn != 0:
            burnt += stakes._slash(id, burn)
            log StakeBurnt(id=id, service=msg.sender, amount=burn)
    if burnt != 0:
        extcall IBurnable(TOKEN).burn(burnt * stakes.ONE_GWEI)


@external
def convict(id: uint256, amount: uint256, prover: address, payer: address) -> uint256:
    """
    @notice Take `amount` gwei that the calling service locked, after a verdict: of the operator's
            own part two fifths are for the prover, a tenth for the payer; the rest is burnt.
    @param prover Empty to keep the bounty for `award`.
    @param payer Empty to burn its part.
    @return The bounty, gwei.
    """
    index: uint256 = admission._index(msg.sender)
    lanes._take(id, index, amount)
    lanes._convict(id, index)
    own: uint256 = stakes._slash(id, amount)
    bounty: uint256 = 0
    repaid: uint256 = 0
    bounty, repaid = convicted._split(own, payer)
    if prover == empty(address):
        convicted._keep(msg.sender, bounty)
    else:
        transfers._send(TOKEN, prover, bounty * stakes.ONE_GWEI)
    if repaid != 0:
        transfers._send(TOKEN, payer, repaid * stakes.ONE_GWEI)
    extcall IBurnable(TOKEN).burn((own - bounty - repaid) * stakes.ONE_GWEI)
    log convicted.StakeConvicted(
        id=id, service=msg.sender, amount=amount, bounty=bounty, repaid=repaid
    )
    return bounty


@external
def award(prover: address, amount: uint256):
    """@notice Pay `amount` gwei of the bounties that are kept for the calling service."""
    convicted._spend(msg.sender, amount)
    transfers._send(TOKEN, prover, amount * stakes.ONE_GWEI)


@external
def forfeit(id: uint256) -> uint256:
    """
    @notice Burn the standing bond that operator `id` keeps for the calling service, and end its
            opt-in: no new locks until it opts in anew, with another bond. Open jobs' locks stay.
    @return The bond, gwei; 0 where the operator keeps none.
    """
    amount: uint256 = lanes._forfeit(id, admission._index(msg.sender), msg.sender)
    if amount != 0:
        extcall IBurnable(TOKEN).burn(stakes._slash(id, amount) * stakes.ONE_GWEI)
    return amount


@internal
@view
def _check_operator_owner(id: uint256):
    if msg.sender != operators.owner_of[id]:
        self._not_owner()


@internal
@pure
def _not_owner():
    raise "staking: not the operator's owner"


@internal
@pure
def _not_delegation():
    raise "staking: not Delegation"


@internal
@pure
def _above_key_ceiling():
    raise "staking: above the key's ceiling"


@internal
@pure
def _future():
    raise "staking: moment in the future"
