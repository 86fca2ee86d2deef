# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Delegation
@license AGPL-3.0-only
@notice Holds what people delegate to operators: it adds to an operator's weight and votes, backs a
        part of its locks, can be slashed behind the operator's own stake, and earns a part of its
        income.
@dev docs/protocol.md, section 9. The vault has no owner. Stake moves in whole gwei.
"""

from .interfaces import IDelegation
from .interfaces import IEscrow
from .interfaces import IStaking
from .modules import commissions
from .modules import incomes
from .modules import pools
from .modules import positions
from .modules import transfers

implements: IDelegation

initializes: commissions
initializes: incomes
initializes: pools
initializes: positions

exports: (commissions.commission_of, pools.pool, pools.delegated, positions.position)


interface IBurnable:
    def burn(amount: uint256): nonpayable


interface ICredits:
    def operator_credit(id: uint256, token: uint256) -> uint256: view
    def withdraw_operator(id: uint256, token: uint256): nonpayable


event Delegated:
    id: indexed(uint256)
    delegator: indexed(address)
    amount: uint256  # gwei
    shares: uint256


event DelegationExitQueued:
    id: indexed(uint256)
    delegator: indexed(address)
    shares: uint256
    matures_at: uint256


event DelegationWithdrawn:
    id: indexed(uint256)
    delegator: indexed(address)
    shares: uint256
    amount: uint256  # gwei


event PoolEarned:
    id: indexed(uint256)
    amount: uint256  # wei


event IncomeClaimed:
    id: indexed(uint256)
    delegator: indexed(address)
    amount: uint256  # wei


event PoolSlashed:
    id: indexed(uint256)
    amount: uint256  # gwei


ONE_GWEI: constant(uint256) = 10**9
LEAST: public(constant(uint256)) = 10**18  # wei in one delegation: rounding is a billionth of it
NETWORK_TOKEN: constant(uint256) = 0

TOKEN: immutable(address)
STAKING: immutable(IStaking)
ESCROW: immutable(ICredits)
DEPLOYER: immutable(address)

rewards: public(address)


@deploy
def __init__(token: address, staking: IStaking, escrow: ICredits):
    TOKEN = token
    STAKING = staking
    ESCROW = escrow
    DEPLOYER = msg.sender


@external
def bind_rewards(rewards: address):
    """@notice Name who pays operators beside Escrow; once, by the deployer."""
    if msg.sender != DEPLOYER or self.rewards != empty(address):
        self._bound()
    self.rewards = rewards


# Operators


@external
def open_pool(id: uint256, commission_bps: uint256):
    """@notice Take delegations for operator `id`, by its owner; it cannot be closed again."""
    self._check_owner(id)
    commissions._open(id, commission_bps)
    extcall STAKING.pool(id)


@external
def announce_commission(id: uint256, commission_bps: uint256):
    """@notice Have another commission bind in 7 days, in the place of one announced before."""
    self._check_owner(id)
    commissions._announce(id, commission_bps)


# Delegators


@external
def delegate(id: uint256, amount: uint256, min_shares: uint256, permit: IEscrow.Permit) -> uint256:
    """
    @notice Delegate `amount` wei to operator `id`, at least one token.
    @dev What the operator has earned before goes to those who were there: it is paid out first.
         Weight and votes follow with `Staking.sync_votes`, which anyone may call.
    @param min_shares Reverts when it buys fewer.
    @return The shares.
    """
    if amount < LEAST or amount % ONE_GWEI != 0:
        self._bad_amount()
    if staticcall ESCROW.operator_credit(id, NETWORK_TOKEN) != 0:
        extcall ESCROW.withdraw_operator(id, NETWORK_TOKEN)
    position: positions.Position = self._settled(id)
    # A pool that the caller is in was opened, and no pool is closed.
    if position.shares == 0 and not commissions._is_open(id):
        commissions._not_open()
    shares: uint256 = 0
    generation: uint256 = 0
    shares, generation = pools._join(id, amount // ONE_GWEI)
    if shares < min_shares:
        self._too_few()
    if generation != position.generation:
        position = empty(positions.Position)
        position.generation = generation
        self._settle(id, position)
    position.shares += shares
    positions._save(id, msg.sender, position)
    transfers._draw(TOKEN, msg.sender, amount, permit)
    log Delegated(id=id, delegator=msg.sender, amount=amount // ONE_GWEI, shares=shares)
    return shares


@external
def undelegate(id: uint256, shares: uint256) -> uint256:
    """
    @notice Queue shares for exit: they earn and count no longer, but can be slashed until they are
            withdrawn. The caller's shares that exit already wait anew.
    @return From when on they can be withdrawn.
    """
    position: positions.Position = self._settled(id)
    if shares == 0 or shares > position.shares or not self._is_alive(id, position):
        self._no_such_shares()
    pools._exit(id, shares)
    position.shares -= shares
    position.exiting += shares
    position.matures_at = block.timestamp + staticcall STAKING.unbonding()
    positions._save(id, msg.sender, position)
    extcall STAKING.sync_votes(id)
    log DelegationExitQueued(
        id=id, delegator=msg.sender, shares=shares, matures_at=position.matures_at
    )
    return position.matures_at


@external
def withdraw(id: uint256) -> uint256:
    """
    @notice Pay what the caller's matured shares are worth, as far as no lock needs it: what is held
            back can be withdrawn as soon as locks end.
    @return Wei.
    """
    position: positions.Position = positions._position(id, msg.sender)
    if position.exiting == 0 or not self._is_alive(id, position):
        self._nothing_exits()
    if block.timestamp < position.matures_at:
        self._too_early()
    locked: uint256 = staticcall STAKING.locked_of(id)
    own: uint256 = staticcall STAKING.stake_of(id)
    shares: uint256 = pools._loose(id, position.exiting, locked - min(locked, own))
    if shares == 0:
        self._still_locked()
    amount: uint256 = pools._leave(id, shares)
    position.exiting -= shares
    if position.exiting == 0:
        position.matures_at = 0
    positions._save(id, msg.sender, position)
    transfers._send(TOKEN, msg.sender, amount * ONE_GWEI)
    log DelegationWithdrawn(id=id, delegator=msg.sender, shares=shares, amount=amount)
    return amount * ONE_GWEI


@external
def claim(id: uint256) -> uint256:
    """@notice Pay the caller its part of what the pool earned. @return Wei."""
    position: positions.Position = positions._position(id, msg.sender)
    key: uint256 = self._key(id, position.generation)
    amount: uint256 = incomes._take(id, key, msg.sender, position.shares)
    transfers._send(TOKEN, msg.sender, amount)
    log IncomeClaimed(id=id, delegator=msg.sender, amount=amount)
    return amount


@external
@view
def claimable(id: uint256, delegator: address) -> uint256:
    """@return What `claim` would pay, in wei."""
    position: positions.Position = positions._position(id, delegator)
    key: uint256 = self._key(id, position.generation)
    return incomes.owed[id][delegator] + incomes._earned(key, delegator, position.shares)


# Vaults


@external
@reentrant
def credit(id: uint256, amount: uint256) -> uint256:
    """
    @notice Book the delegators' part of an operator's income; Escrow and Rewards only, which pay it
            in the same call. It is in proportion to stake, less the commission.
    @dev Reached from within `delegate` too, which has changed nothing by then.
    @return The part, in wei.
    """
    if msg.sender != ESCROW.address and msg.sender != self.rewards:
        self._not_a_payer()
    pool: pools.Pool = pools._pool(id)
    active: uint256 = pools._active(pool)
    if active == 0:
        return 0
    rest: uint256 = amount * (commissions.BPS - commissions._commission(id)) // commissions.BPS
    part: uint256 = rest * active // (staticcall STAKING.stake_of(id) + active)
    incomes._add(self._key(id, pool.generation), part, pool.shares - pool.exiting)
    log PoolEarned(id=id, amount=part)
    return part


@external
def slash(id: uint256, amount: uint256):
    """@notice Burn `amount` gwei of what is delegated to operator `id`; Staking only."""
    if msg.sender != STAKING.address:
        self._not_staking()
    pools._slash(id, amount)
    extcall IBurnable(TOKEN).burn(amount * ONE_GWEI)
    log PoolSlashed(id=id, amount=amount)


@internal
def _settled(id: uint256) -> positions.Position:
    """@return The caller's position, with its income booked up to now."""
    position: positions.Position = positions._position(id, msg.sender)
    self._settle(id, position)
    return position


@internal
def _settle(id: uint256, position: positions.Position):
    incomes._settle(id, self._key(id, position.generation), msg.sender, position.shares)


@internal
@view
def _is_alive(id: uint256, position: positions.Position) -> bool:
    """@return Whether the pool has not been slashed to nothing under the position."""
    pool: pools.Pool = pools._pool(id)
    return pool.assets != 0 and pool.generation == position.generation


@internal
@pure
def _key(id: uint256, generation: uint256) -> uint256:
    return id << 14 | generation


@internal
@view
def _check_owner(id: uint256):
    if msg.sender != staticcall STAKING.owner_of(id):
        self._not_owner()


@internal
@pure
def _bound():
    raise "delegation: bound, or not the deployer"


@internal
@pure
def _not_owner():
    raise "delegation: not the operator's owner"


@internal
@pure
def _bad_amount():
    raise "delegation: less than a token, or not whole gwei"


@internal
@pure
def _too_few():
    raise "delegation: too few shares"


@internal
@pure
def _no_such_shares():
    raise "delegation: no such shares"


@internal
@pure
def _nothing_exits():
    raise "delegation: nothing exits"


@internal
@pure
def _too_early():
    raise "delegation: too early"


@internal
@pure
def _still_locked():
    raise "delegation: still locked"


@internal
@pure
def _not_a_payer():
    raise "delegation: not a payer"


@internal
@pure
def _not_staking():
    raise "delegation: not Staking"
