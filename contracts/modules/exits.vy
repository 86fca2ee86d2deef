# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title exits
@license AGPL-3.0-only
@notice Each operator's queue of exiting stake, oldest first.
@dev All exits of an operator lie on one line of gwei, end to end. Whatever leaves the queue, paid
     or slashed, moves one mark forward on that line: a slash costs the same for any queue.
"""


struct Queue:
    head: uint256  # first exit not yet consumed
    tail: uint256  # where the next one goes
    gone: uint256  # gwei of the line that have left
    queued: uint256  # gwei of the line in all


struct Exit:
    amount: uint256  # gwei
    matures_at: uint256


PAGE: constant(uint256) = 8  # exits paid or listed in one call

U40: constant(uint256) = 2**40 - 1
U88: constant(uint256) = 2**88 - 1

queue_word: HashMap[uint256, uint256]  # head 40 | tail 40 | gone 88 | queued 88
exit_word: HashMap[uint256, HashMap[uint256, uint256]]  # end on the line 88 | matures_at 40


@external
@view
def exits_of(id: uint256) -> DynArray[Exit, PAGE]:
    """@return The oldest exits of operator `id`, at most 8."""
    queue: Queue = self._queue(id)
    exits: DynArray[Exit, PAGE] = []
    start: uint256 = queue.gone
    for i: uint256 in range(PAGE):
        if queue.head + i == queue.tail:
            break
        word: uint256 = self.exit_word[id][queue.head + i]
        end: uint256 = max(word & U88, start)
        exits.append(Exit(amount=end - start, matures_at=word >> 88))
        start = end
    return exits


@internal
def _push(id: uint256, amount: uint256, matures_at: uint256):
    queue: Queue = self._queue(id)
    queue.queued += amount
    self.exit_word[id][queue.tail] = queue.queued | matures_at << 88
    queue.tail += 1
    self._save(id, queue)


@internal
def _slash(id: uint256, amount: uint256):
    """@notice Take `amount` from the oldest exits; the caller knows that there is so much."""
    queue: Queue = self._queue(id)
    queue.gone += amount
    self._save(id, queue)


@internal
def _pop(id: uint256, limit: uint256) -> uint256:
    """
    @return What matured exits give, at most `limit`; they leave the queue.
    @dev That is 0, and no error, when all 8 had been slashed away: the next call gets further.
    """
    queue: Queue = self._queue(id)
    head: uint256 = queue.head
    paid: uint256 = 0
    for _: uint256 in range(PAGE):
        if queue.head == queue.tail:
            break
        word: uint256 = self.exit_word[id][queue.head]
        if block.timestamp < word >> 88:
            break
        end: uint256 = max(word & U88, queue.gone)
        amount: uint256 = min(end - queue.gone, limit - paid)
        queue.gone += amount
        paid += amount
        if queue.gone < end:
            break
        self.exit_word[id][queue.head] = 0
        queue.head += 1
    if paid == 0 and queue.head == head:
        self._nothing_matured()
    self._save(id, queue)
    return paid


@internal
@view
def _queue(id: uint256) -> Queue:
    word: uint256 = self.queue_word[id]
    return Queue(
        head=word & U40, tail=(word >> 40) & U40, gone=(word >> 80) & U88, queued=word >> 168
    )


@internal
def _save(id: uint256, queue: Queue):
    self.queue_word[id] = (queue.head | queue.tail << 40 | queue.gone << 80 | queue.queued << 168)


@internal
@pure
def _nothing_matured():
    raise "staking: nothing to withdraw"
