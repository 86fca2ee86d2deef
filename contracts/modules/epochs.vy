# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title epochs
@license AGPL-3.0-only
@notice Weights as they stood when an epoch began, for the last two epochs in which they moved.
@dev A seat is drawn by weights older than its seed, so that nobody can stake after seeing the seed.
"""

from . import stake_words

LENGTH: immutable(uint256)

MAX_LENGTH: constant(uint256) = 30 * 86_400


@deploy
def __init__(length: uint256):
    """@param length Seconds; fixed for ever."""
    if length == 0 or length > MAX_LENGTH:
        self._bad_length()
    LENGTH = length


@external
@view
def epoch_length() -> uint256:
    """@return The epoch's length in seconds."""
    return LENGTH


@internal
@view
def _moved(weights: stake_words.Weights, weight: uint256) -> stake_words.Weights:
    """@return `weights` with `weight` for now, the older values shifted when an epoch has begun."""
    epoch: uint256 = block.timestamp // LENGTH
    if epoch == weights.epoch:
        return stake_words.Weights(
            before=weights.before, start=weights.start, now=weight, epoch=epoch
        )
    return stake_words.Weights(
        before=weights.start if epoch == weights.epoch + 1 else weights.now,
        start=weights.now,
        now=weight,
        epoch=epoch,
    )


@internal
@view
def _place(last: uint256, timestamp: uint256) -> uint256:
    """
    @param last The epoch in which the weights of a word moved last.
    @return Which of the word's three weights counted when the epoch of `timestamp` began.
    """
    epoch: uint256 = timestamp // LENGTH
    if epoch > last:
        return 2
    if epoch == last:
        return 1
    if epoch + 1 < last:
        self._too_old()
    return 0


@internal
@pure
def _bad_length():
    raise "staking: epoch out of bounds"


@internal
@pure
def _too_old():
    raise "staking: epoch too old"
