# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title proposals
@license AGPL-3.0-only
@notice Each proposal's times, votes and fate.
@dev Votes are gwei of stake, of which there are less than 2^64 in all: no tally leaves its field.
     Intervals are half-open. Pending is what is not voted on yet; expired is what passed and was
     not queued, or not executed, in time.
"""


struct Proposal:
    votes_for: uint256
    votes_against: uint256
    votes_abstain: uint256
    opens_at: uint256
    closes_at: uint256
    operator: uint256  # whose votes proposed it
    quorum: uint256  # gwei
    ready_at: uint256  # 0 until it is queued
    is_canceled: bool
    is_executed: bool


# States
PENDING: constant(uint256) = 0
ACTIVE: constant(uint256) = 1
CANCELED: constant(uint256) = 2
DEFEATED: constant(uint256) = 3
SUCCEEDED: constant(uint256) = 4
QUEUED: constant(uint256) = 5
EXECUTED: constant(uint256) = 6
EXPIRED: constant(uint256) = 7

GRACE: constant(uint256) = 14 * 86_400  # to queue what passed, and to execute what is ready
SUPPORTS: constant(uint256) = 3  # 0 for, 1 against, 2 abstain

U24: constant(uint256) = 2**24 - 1
U40: constant(uint256) = 2**40 - 1
U64: constant(uint256) = 2**64 - 1

proposal_count: public(uint256)
actions_of: public(HashMap[uint256, bytes32])
# What a vote reads and writes is one word: for 64 | against 64 | abstain 64 | opens at 40 |
# seconds of voting 24
ballot_word: HashMap[uint256, uint256]
fate_word: HashMap[
    uint256, uint256
]  # operator 24 | quorum 64 | ready at 40 | canceled 1 | executed 1
voted: HashMap[
    uint256, HashMap[uint256, uint256]
]  # by proposal and id >> 8: a bit for each operator


@internal
def _create(
    operator: uint256, actions: bytes32, opens_at: uint256, period: uint256, quorum: uint256
) -> uint256:
    """@return The proposal's number; the first is 1."""
    number: uint256 = self.proposal_count + 1
    self.proposal_count = number
    self.actions_of[number] = actions
    self.ballot_word[number] = opens_at << 192 | period << 232
    self.fate_word[number] = operator | quorum << 24
    return number


@internal
@view
def _proposal(number: uint256) -> Proposal:
    """@return Proposal `number`; reverts when there is none."""
    ballot: uint256 = self.ballot_word[number]
    if ballot == 0:
        self._no_proposal()
    fate: uint256 = self.fate_word[number]
    opens_at: uint256 = (ballot >> 192) & U40
    return Proposal(
        votes_for=ballot & U64,
        votes_against=(ballot >> 64) & U64,
        votes_abstain=(ballot >> 128) & U64,
        opens_at=opens_at,
        closes_at=opens_at + (ballot >> 232),
        operator=fate & U24,
        quorum=(fate >> 24) & U64,
        ready_at=(fate >> 88) & U40,
        is_canceled=(fate >> 128) & 1 == 1,
        is_executed=(fate >> 129) & 1 == 1,
    )


@internal
@view
def _state(proposal: Proposal) -> uint256:
    if proposal.is_canceled:
        return CANCELED
    if proposal.is_executed:
        return EXECUTED
    if block.timestamp < proposal.opens_at:
        return PENDING
    if block.timestamp < proposal.closes_at:
        return ACTIVE
    if proposal.votes_for <= proposal.votes_against:
        return DEFEATED
    if proposal.votes_for + proposal.votes_abstain < proposal.quorum:
        return DEFEATED
    lapses_at: uint256 = max(proposal.closes_at, proposal.ready_at) + GRACE
    if block.timestamp >= lapses_at:
        return EXPIRED
    return SUCCEEDED if proposal.ready_at == 0 else QUEUED


@internal
@view
def _opens_at(number: uint256) -> uint256:
    """@return When voting on `number` opened; reverts unless it is open now."""
    ballot: uint256 = self.ballot_word[number]
    if ballot == 0:
        self._no_proposal()
    opens_at: uint256 = (ballot >> 192) & U40
    if block.timestamp < opens_at:
        self._not_open()
    if block.timestamp >= opens_at + (ballot >> 232):
        self._closed()
    if (self.fate_word[number] >> 128) & 1 == 1:
        self._was_canceled()
    return opens_at


@internal
def _count(number: uint256, operator: uint256, support: uint256, votes: uint256):
    """@notice Add the votes of `operator`, once."""
    if support >= SUPPORTS:
        self._bad_support()
    if votes == 0:
        self._no_votes()
    bit: uint256 = 1 << (operator & 255)
    seen: uint256 = self.voted[number][operator >> 8]
    if seen & bit != 0:
        self._voted_before()
    self.voted[number][operator >> 8] = seen | bit
    self.ballot_word[number] += votes << (64 * support)


@internal
@view
def _has_voted(number: uint256, operator: uint256) -> bool:
    return (self.voted[number][operator >> 8] >> (operator & 255)) & 1 == 1


@internal
def _cancel(number: uint256):
    self.fate_word[number] |= 1 << 128


@internal
def _queue(number: uint256, ready_at: uint256):
    self.fate_word[number] |= ready_at << 88


@internal
def _execute(number: uint256):
    self.fate_word[number] |= 1 << 129


@internal
@pure
def _no_proposal():
    raise "governor: no such proposal"


@internal
@pure
def _not_open():
    raise "governor: voting is not open yet"


@internal
@pure
def _closed():
    raise "governor: voting is over"


@internal
@pure
def _was_canceled():
    raise "governor: proposal was canceled"


@internal
@pure
def _bad_support():
    raise "governor: vote 0 for, 1 against, 2 abstain"


@internal
@pure
def _no_votes():
    raise "governor: operator had no votes"


@internal
@pure
def _voted_before():
    raise "governor: operator has voted"
