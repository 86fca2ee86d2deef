# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Governor
@license AGPL-3.0-only
@notice Operators vote, with the stake that they answer with, on calls that the Timelock then makes.
@dev docs/protocol.md, section 8. Votes are those of the moment before voting opens: what is staked
     later weighs nothing, and what has voted stays slashable for an unbonding time.
"""

from .interfaces import IStaking
from .modules import ballots
from .modules import governance_rules
from .modules import proposals
from .modules import reach

initializes: ballots
initializes: governance_rules
initializes: proposals

exports: (
    ballots.eip712Domain,
    governance_rules.rules,
    governance_rules.LEAST_DELAY,
    governance_rules.LEAST_PERIOD,
    proposals.proposal_count,
    proposals.actions_of,
)


interface ISupply:
    def totalSupply() -> uint256: view


interface ITimelock:
    def get_minimum_delay() -> uint256: view
    def schedule_batch(
        targets: DynArray[address, 8],
        amounts: DynArray[uint256, 8],
        payloads: DynArray[Bytes[1_024], 8],
        predecessor: bytes32,
        salt: bytes32,
        delay: uint256,
    ): nonpayable
    def execute_batch(
        targets: DynArray[address, 8],
        amounts: DynArray[uint256, 8],
        payloads: DynArray[Bytes[1_024], 8],
        predecessor: bytes32,
        salt: bytes32,
    ): nonpayable


event Proposed:
    number: indexed(uint256)
    operator: indexed(uint256)
    targets: DynArray[address, MAX_CALLS]
    payloads: DynArray[Bytes[1_024], MAX_CALLS]
    description: String[1_024]
    opens_at: uint256
    closes_at: uint256
    quorum: uint256  # gwei


event Voted:
    number: indexed(uint256)
    operator: indexed(uint256)
    support: uint256  # 0 for, 1 against, 2 abstain
    votes: uint256  # gwei


event Canceled:
    number: indexed(uint256)


event Queued:
    number: indexed(uint256)
    ready_at: uint256


event Executed:
    number: indexed(uint256)


MAX_CALLS: constant(uint256) = 8
ONE_GWEI: constant(uint256) = 10**9
ONE_TOKEN: constant(uint256) = 10**9  # in gwei
BPS: constant(uint256) = 10_000

TOKEN: immutable(ISupply)
STAKING: immutable(IStaking)
DEPLOYER: immutable(address)

timelock: public(address)


@deploy
def __init__(token: ISupply, staking: IStaking, rules: governance_rules.Rules):
    """
    @param rules Delay and period, seconds: no vote can ever make them shorter. Quorum, hundredths
           of a percent of the supply. Votes that proposing takes, whole tokens.
    """
    ballots.__init__("Proofmesh Governor")
    governance_rules.__init__(rules.delay, rules.period, rules.quorum_bps, rules.threshold)
    TOKEN = token
    STAKING = staking
    DEPLOYER = msg.sender


@external
def bind_timelock(timelock: address):
    """@notice Name the Timelock that serves this Governor: its deployer, once."""
    if msg.sender != DEPLOYER or self.timelock != empty(address):
        self._bound()
    self.timelock = timelock


# Proposals


@external
def propose(
    operator: uint256,
    targets: DynArray[address, MAX_CALLS],
    payloads: DynArray[Bytes[1_024], MAX_CALLS],
    description: String[1_024],
) -> uint256:
    """
    @notice Propose calls, with the votes of `operator`; its owner only.
    @param targets Contracts that the Timelock owns, tokens that it holds, itself, the Governor.
    @param payloads The calls' data, one for each target.
    @return The proposal's number.
    """
    self._check_owner(operator, msg.sender)
    if len(targets) == 0 or len(targets) != len(payloads):
        self._bad_calls()
    for target: address in targets:
        reach._check(target, self.timelock)
    rules: governance_rules.Rules = governance_rules.rules
    if staticcall STAKING.votes_at(operator, block.timestamp - 1) < rules.threshold * ONE_TOKEN:
        self._below_threshold()
    opens_at: uint256 = block.timestamp + rules.delay
    supply: uint256 = staticcall TOKEN.totalSupply()
    quorum: uint256 = supply // ONE_GWEI * rules.quorum_bps // BPS
    number: uint256 = proposals._create(
        operator, self._actions(targets, payloads), opens_at, rules.period, quorum
    )
    log Proposed(
        number=number,
        operator=operator,
        targets=targets,
        payloads=payloads,
        description=description,
        opens_at=opens_at,
        closes_at=opens_at + rules.period,
        quorum=quorum,
    )
    return number


@external
def cancel(number: uint256):
    """
    @notice Call a proposal off before voting on it is over: who proposed it may, and anyone once
            the proposer's votes have fallen below the threshold.
    """
    proposal: proposals.Proposal = proposals._proposal(number)
    state: uint256 = proposals._state(proposal)
    if state != proposals.PENDING and state != proposals.ACTIVE:
        self._too_late()
    if msg.sender != staticcall STAKING.owner_of(proposal.operator):
        votes: uint256 = staticcall STAKING.votes_at(proposal.operator, block.timestamp - 1)
        if votes >= governance_rules.rules.threshold * ONE_TOKEN:
            self._not_proposer()
    proposals._cancel(number)
    log Canceled(number=number)


@external
def queue(
    number: uint256,
    targets: DynArray[address, MAX_CALLS],
    payloads: DynArray[Bytes[1_024], MAX_CALLS],
):
    """@notice Give the calls of a proposal that passed to the Timelock; anyone may."""
    self._check_actions(number, targets, payloads)
    if proposals._state(proposals._proposal(number)) != proposals.SUCCEEDED:
        self._not_passed()
    timelock: ITimelock = ITimelock(self.timelock)
    delay: uint256 = staticcall timelock.get_minimum_delay()
    proposals._queue(number, block.timestamp + delay)
    extcall timelock.schedule_batch(
        targets,
        self._no_amounts(len(targets)),
        payloads,
        empty(bytes32),
        convert(number, bytes32),
        delay,
    )
    log Queued(number=number, ready_at=block.timestamp + delay)


@external
def execute(
    number: uint256,
    targets: DynArray[address, MAX_CALLS],
    payloads: DynArray[Bytes[1_024], MAX_CALLS],
):
    """@notice Have the Timelock make the calls of a queued proposal, all or none; anyone may."""
    self._check_actions(number, targets, payloads)
    proposal: proposals.Proposal = proposals._proposal(number)
    if proposals._state(proposal) != proposals.QUEUED:
        self._not_queued()
    if block.timestamp < proposal.ready_at:
        self._not_ready()
    proposals._execute(number)
    log Executed(number=number)
    extcall ITimelock(self.timelock).execute_batch(
        targets, self._no_amounts(len(targets)), payloads, empty(bytes32), convert(number, bytes32)
    )


# Votes


@external
def vote(number: uint256, operator: uint256, support: uint256):
    """
    @notice Vote with all that `operator` had staked before voting opened; its owner only.
    @param support 0 for, 1 against, 2 abstain.
    """
    self._check_owner(operator, msg.sender)
    self._vote(number, operator, support)


@external
def vote_by_signature(
    number: uint256, operator: uint256, support: uint256, deadline: uint256, signature: Bytes[65]
):
    """
    @notice Bring the vote that the owner of `operator` signed, EIP-712 Ballot; anyone may.
    @param deadline The signature counts before it.
    """
    owner: address = staticcall STAKING.owner_of(operator)
    ballots._check(owner, number, operator, support, deadline, signature)
    self._vote(number, operator, support)


# Rules


@external
@reentrant
def set_rules(rules: governance_rules.Rules):
    """
    @notice Change what proposals to come need; the Timelock only.
    @dev It calls within `execute`, which has written all that it writes by then.
    """
    if msg.sender != self.timelock:
        self._not_timelock()
    governance_rules._set(rules)


# Views


@external
@view
def proposal(number: uint256) -> proposals.Proposal:
    """@return Times, votes in gwei and fate; reverts when there is no such proposal."""
    return proposals._proposal(number)


@external
@view
def state(number: uint256) -> uint256:
    """
    @return 0 pending, 1 active, 2 canceled, 3 defeated, 4 succeeded, 5 queued, 6 executed,
            7 expired.
    """
    return proposals._state(proposals._proposal(number))


@external
@view
def has_voted(number: uint256, operator: uint256) -> bool:
    """@return Whether the votes of `operator` are counted."""
    return proposals._has_voted(number, operator)


@internal
def _vote(number: uint256, operator: uint256, support: uint256):
    votes: uint256 = staticcall STAKING.votes_at(operator, proposals._opens_at(number) - 1)
    proposals._count(number, operator, support, votes)
    log Voted(number=number, operator=operator, support=support, votes=votes)


@internal
@view
def _check_owner(operator: uint256, sender: address):
    if sender != staticcall STAKING.owner_of(operator):
        self._not_owner()


@internal
@pure
def _actions(
    targets: DynArray[address, MAX_CALLS], payloads: DynArray[Bytes[1_024], MAX_CALLS]
) -> bytes32:
    return keccak256(abi_encode(targets, payloads))


@internal
@view
def _check_actions(
    number: uint256,
    targets: DynArray[address, MAX_CALLS],
    payloads: DynArray[Bytes[1_024], MAX_CALLS],
):
    if proposals.actions_of[number] != self._actions(targets, payloads):
        self._other_calls()


@internal
@pure
def _no_amounts(count: uint256) -> DynArray[uint256, MAX_CALLS]:
    amounts: DynArray[uint256, MAX_CALLS] = []
    for _: uint256 in range(count, bound=MAX_CALLS):
        amounts.append(0)
    return amounts


@internal
@pure
def _bound():
    raise "governor: timelock is bound once, by the deployer"


@internal
@pure
def _not_owner():
    raise "governor: not the operator's owner"


@internal
@pure
def _bad_calls():
    raise "governor: one payload for each target"


@internal
@pure
def _below_threshold():
    raise "governor: too few votes to propose"


@internal
@pure
def _too_late():
    raise "governor: voting has ended"


@internal
@pure
def _not_proposer():
    raise "governor: not the proposer"


@internal
@pure
def _other_calls():
    raise "governor: not the proposed calls"


@internal
@pure
def _not_passed():
    raise "governor: proposal has not passed"


@internal
@pure
def _not_queued():
    raise "governor: proposal is not queued"


@internal
@pure
def _not_ready():
    raise "governor: delay is not over"


@internal
@pure
def _not_timelock():
    raise "governor: not the timelock"
