# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title pools
@license AGPL-3.0-only
@notice What is delegated to each operator: a pool of stake, divided into shares.
@dev Amounts are gwei. A slash takes assets and leaves shares, so it costs the same for any number
     of delegators. Nothing but a delegation adds assets: no gift makes shares dearer. Shares that
     exit go on losing what is slashed. A pool slashed to nothing has ended with everybody's shares
     in it; the next delegation begins a new generation.
"""


struct Pool:
    assets: uint256
    generation: uint256
    shares: uint256  # all of them
    exiting: uint256  # shares on their way out


MAX_ASSETS: constant(uint256) = 2**62 - 1
MAX_GENERATION: constant(uint256) = 2**14 - 1
MAX_SHARES: constant(uint256) = 2**90 - 1

pool_word: HashMap[uint256, uint256]  # assets 62 | generation 14 | shares 90 | exiting 90


@external
@view
def pool(id: uint256) -> Pool:
    """@return What is delegated to operator `id`, gwei, and the shares in it."""
    return self._pool(id)


@external
@view
@reentrant
def delegated(id: uint256) -> (uint256, uint256):
    """
    @return What is delegated to operator `id`, and the part that is not exiting, gwei.
    @dev Staking asks while it is told of an exit.
    """
    pool: Pool = self._pool(id)
    return pool.assets, self._active(pool)


@internal
@view
def _pool(id: uint256) -> Pool:
    word: uint256 = self.pool_word[id]
    return Pool(
        assets=word & MAX_ASSETS,
        generation=(word >> 62) & MAX_GENERATION,
        shares=(word >> 76) & MAX_SHARES,
        exiting=word >> 166,
    )


@internal
@pure
def _active(pool: Pool) -> uint256:
    """@return What the shares that stay are worth."""
    if pool.shares == 0:
        return 0
    return pool.assets * (pool.shares - pool.exiting) // pool.shares


@internal
def _join(id: uint256, amount: uint256) -> (uint256, uint256):
    """@return The shares that `amount` buys, and the generation that they belong to."""
    pool: Pool = self._pool(id)
    if pool.assets == 0 and pool.shares != 0:
        pool = Pool(assets=0, generation=pool.generation + 1, shares=0, exiting=0)
    shares: uint256 = amount
    if pool.shares != 0:
        shares = amount * pool.shares // pool.assets
    pool.assets += amount
    pool.shares += shares
    if pool.assets > MAX_ASSETS or pool.shares > MAX_SHARES or pool.generation > MAX_GENERATION:
        self._full()
    self._save(id, pool)
    return shares, pool.generation


@internal
def _exit(id: uint256, shares: uint256):
    pool: Pool = self._pool(id)
    pool.exiting += shares
    self._save(id, pool)


@internal
@view
def _loose(id: uint256, shares: uint256, held: uint256) -> uint256:
    """@return How many of `shares` can leave while `held` gwei of the assets must stay."""
    pool: Pool = self._pool(id)
    free: uint256 = pool.assets - min(pool.assets, held)
    return min(shares, free * pool.shares // pool.assets)


@internal
def _leave(id: uint256, shares: uint256) -> uint256:
    """@return What exiting `shares` are worth; it is gone from here with them."""
    pool: Pool = self._pool(id)
    amount: uint256 = pool.assets * shares // pool.shares
    pool.assets -= amount
    pool.shares -= shares
    pool.exiting -= shares
    self._save(id, pool)
    return amount


@internal
def _slash(id: uint256, amount: uint256):
    """@dev Staking never takes more than the assets: it lets no more be locked."""
    pool: Pool = self._pool(id)
    pool.assets -= amount
    self._save(id, pool)


@internal
def _save(id: uint256, pool: Pool):
    self.pool_word[id] = (
        pool.assets | pool.generation << 62 | pool.shares << 76 | pool.exiting << 166
    )


@internal
@pure
def _full():
    raise "delegation: pool is full"
