# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title checkpoints
@license AGPL-3.0-only
@notice Each operator's votes through time: raised on request, lowered at once.
"""


event VotesChanged:
    id: indexed(uint256)
    votes: uint256  # gwei


U40: constant(uint256) = 2**40 - 1
MAX_STEPS: constant(uint256) = 64  # halvings of any number of checkpoints

checkpoint_count: HashMap[uint256, uint256]
checkpoint: HashMap[uint256, HashMap[uint256, uint256]]  # timestamp 40 | votes, gwei 64


@external
@view
def votes_at(id: uint256, timestamp: uint256) -> uint256:
    """@return The votes of operator `id` at the end of `timestamp`, gwei; reverts unless past."""
    if timestamp >= block.timestamp:
        self._not_past()
    low: uint256 = 0
    high: uint256 = self.checkpoint_count[id]
    for _: uint256 in range(MAX_STEPS):
        if low == high:
            break
        middle: uint256 = (low + high) // 2
        if self.checkpoint[id][middle] & U40 > timestamp:
            high = middle
        else:
            low = middle + 1
    return 0 if low == 0 else self.checkpoint[id][low - 1] >> 40


@internal
def _sync(id: uint256, votes: uint256):
    if votes != self._latest(id):
        self._write(id, votes)


@internal
def _lower(id: uint256, votes: uint256):
    """@notice Whatever takes stake away calls this in the same call: no vote outlives its stake."""
    if votes < self._latest(id):
        self._write(id, votes)


@internal
@view
def _latest(id: uint256) -> uint256:
    count: uint256 = self.checkpoint_count[id]
    return 0 if count == 0 else self.checkpoint[id][count - 1] >> 40


@internal
def _write(id: uint256, votes: uint256):
    count: uint256 = self.checkpoint_count[id]
    if count == 0 or self.checkpoint[id][count - 1] & U40 != block.timestamp:
        self.checkpoint_count[id] = count + 1
    else:
        count -= 1
    self.checkpoint[id][count] = block.timestamp | votes << 40
    log VotesChanged(id=id, votes=votes)


@internal
@pure
def _not_past():
    raise "staking: votes not final yet"
