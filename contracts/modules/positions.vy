# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title positions
@license AGPL-3.0-only
@notice Who holds how many shares of each pool, and when those that exit may leave.
"""


struct Position:
    shares: uint256  # that stay
    exiting: uint256
    matures_at: uint256  # of the exiting ones
    generation: uint256  # of the pool; shares of an earlier one are worth nothing


U40: constant(uint256) = 2**40 - 1
U90: constant(uint256) = 2**90 - 1

# By operator and delegator: shares 90 | exiting 90 | matures_at 40 | generation 14
position_word: HashMap[uint256, HashMap[address, uint256]]


@external
@view
def position(id: uint256, account: address) -> Position:
    """@return The shares of `account` in the pool of operator `id`."""
    return self._position(id, account)


@internal
@view
def _position(id: uint256, account: address) -> Position:
    word: uint256 = self.position_word[id][account]
    return Position(
        shares=word & U90,
        exiting=(word >> 90) & U90,
        matures_at=(word >> 180) & U40,
        generation=word >> 220,
    )


@internal
def _save(id: uint256, account: address, position: Position):
    self.position_word[id][account] = (
        position.shares
        | position.exiting << 90
        | position.matures_at << 180
        | position.generation << 220
    )
