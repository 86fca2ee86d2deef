# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ProvableJobs
@author Proofmesh
@license AGPL-3.0-only
@notice Runs each batch of a tensor program on one operator's machine, and pays for it because
        nobody could show the result wrong while anybody might.
@dev A state machine per batch; docs/protocol.md, section 5, is its description. Holds no money:
     bonds are Staking's, prices are Escrow's. A job is stored as the hash of its terms.
"""

from ..interfaces import ICourt
from ..interfaces import ICourts
from ..interfaces import IEscrow
from ..interfaces import IProvableJobs
from ..interfaces import IService
from ..interfaces import IStaking
from ..modules import audits
from ..modules import bound_demands
from ..modules import bounties
from ..modules import convictions
from ..modules import demand_hooks
from ..modules import job_events as events
from ..modules import job_vaults as vaults
from ..modules import job_words as words
from ..modules import membership
from ..modules import provable_batches as batches
from ..modules import provable_openings as openings
from ..modules import provable_seats as seats
from ..modules import provable_terms
from ..modules import provable_words as packed
from ..modules import reverts
from ..modules import seals
from ..modules import verdicts

implements: IProvableJobs
implements: IService

initializes: vaults
initializes: seals
initializes: batches[vaults := vaults]
initializes: seats[batches := batches, seals := seals, vaults := vaults]
initializes: audits[batches := batches, vaults := vaults]
initializes: verdicts[batches := batches, seals := seals, vaults := vaults]
initializes: bounties[vaults := vaults]
initializes: convictions[batches := batches, bounties := bounties, seals := seals, vaults := vaults]
initializes: demand_hooks[batches := batches, vaults := vaults]
initializes: bound_demands[vaults := vaults]

exports: (
    vaults.STAKING,
    vaults.ESCROW,
    vaults.SEEDS,
    bounties.PRIORITY,
    bounties.announced_at,
    bounties.bounty_of,
    bound_demands.bind_demands,
    bound_demands.demands,
    bound_demands.forfeit,
)

JUDGE: constant(Bytes[4]) = method_id(
    "judge((bytes32,bytes32,uint256,uint256,bytes32,uint256,bytes32),bytes)"
)
# A convict's bounty and repayment come out of stake of its own.
OWN_STAKE_ONLY: public(constant(bool)) = True

COURTS: public(immutable(address))
EPOCH: immutable(uint256)
MINIMA: immutable(provable_terms.Minima)


@deploy
def __init__(
    staking: address,
    escrow: address,
    seeds: address,
    courts: address,
    least: provable_terms.Minima,
    priority: uint256,
):
    """
    @param seeds The network's source of block hashes.
    @param courts The list of courts, and what bonds are measured by.
    @param least The network's shortest windows, in seconds.
    @param priority Seconds from announcing a proof until it has the first right to the bounty.
    """
    vaults.__init__(staking, escrow, seeds)
    bounties.__init__(priority)
    bound_demands.__init__()
    COURTS = courts
    EPOCH = staticcall IStaking(staking).epoch_length()
    MINIMA = least


# Posting


@external
def post_job(
    a: uint256,
    b: uint256,
    named: bytes32,
    origin: words.Origin,
    locators: Bytes[2048],
    permit: IEscrow.Permit,
) -> bytes32:
    """
    @notice Post a job and move its whole reserve, 2 * price * tasks, into Escrow.
    @param b As in the terms, with posted_at zero: it is filled in here.
    @param named The root of the only operators that may claim, or empty for sortition. Audits are
                 drawn among all.
    @param locators Where the blobs may be found; logged, not stored.
    @param permit A permit for the reserve; ignored where the allowance suffices.
    @return The job's key.
    """
    terms: words.Terms = words.Terms(
        a=a, b=b, named=named, origin=words._origin(msg.sender, origin)
    )
    limits: ICourts.Limits = staticcall ICourts(COURTS).limits(packed._court(a), words._token(a))
    provable_terms._check(terms, MINIMA, EPOCH, limits)
    terms.b |= block.timestamp
    key: bytes32 = words._key(terms)
    batches._post(key, vaults._next_height())
    vaults._open(terms, key, 2 * words._price(a) * words._tasks(a), permit)
    log events.JobPosted(
        job=key,
        payer=msg.sender,
        program=origin.program,
        a=a,
        b=terms.b,
        named=named,
        nonce=origin.nonce,
        inputs=origin.inputs,
        manifest=origin.manifest,
        locators=locators,
    )
    return key


@external
def cancel(terms: words.Terms, origin: words.Origin, numbers: DynArray[uint256, 32]):
    """@notice End batches whose operator's seat is open; the payer only."""
    self._only_payer(terms, origin)
    refund: uint256 = 0
    for number: uint256 in numbers:
        refund += batches._close(terms, self._idle(terms, number), events.CANCELLED)
    vaults._pay(terms, words._key(terms), [], refund, 0)


@external
def expire(terms: words.Terms, numbers: DynArray[uint256, 32]):
    """@notice End batches that no operator claimed in time; anyone."""
    refund: uint256 = 0
    for number: uint256 in numbers:
        b: batches.Batch = self._idle(terms, number)
        if block.timestamp < b.since + words._claim_window(terms.b):
            reverts._fail("provable: expired too early")
        refund += batches._close(terms, b, events.EXPIRED)
    vaults._pay(terms, words._key(terms), [], refund, 0)


# Seats


@external
def claim(terms: words.Terms, batch: uint256, proof: membership.Proof):
    """
    @notice Take the seat that the batch has open, its operator's or its auditor's, for the
            caller's operator; its bond is locked.
    @param proof That the operator is named; empty in audits and where operators are drawn.
    """
    b: batches.Batch = batches._load(terms, batch)
    id: uint256 = seats._claim(terms, b, proof)
    batches._enter(b, seats._granted(b, id), b.phase + 1)


@external
def seal(terms: words.Terms, batch: uint256, digest: bytes32):
    """@notice Fix the caller's result of the running seat without showing it."""
    b: batches.Batch = batches._load(terms, batch)
    id: uint256 = vaults._operator_of(msg.sender)
    seats._check_seal(terms, b, id)
    seats._seal(b, b.word, id, digest)


@external
def claim_sealed(terms: words.Terms, batch: uint256, proof: membership.Proof, digest: bytes32):
    """@notice `claim` and `seal` at once, for an operator that has the result already."""
    b: batches.Batch = batches._load(terms, batch)
    id: uint256 = seats._claim(terms, b, proof)
    seats._seal(b, seats._granted(b, id), id, digest)


@external
def advance(terms: words.Terms, batch: uint256):
    """@notice Move a batch on whose draw is known or whose window is over; anyone."""
    refund: uint256 = audits._advance(terms, batches._load(terms, batch))
    vaults._pay(terms, words._key(terms), [], refund, 0)


@external
def reveal(
    terms: words.Terms,
    batch: uint256,
    id: uint256,
    values: DynArray[bytes32, 32],
    salt: bytes32,
):
    """
    @notice Open operator `id`'s seal; anyone who has the salt.
    @dev Makes the draw as well, where that has not been done, and goes on if there is no audit.
    @param values The trace roots, one per task of the batch.
    """
    b: batches.Batch = batches._load(terms, batch)
    if b.phase == packed.SEALED:
        b = audits._spared(terms, b)
    elif b.phase != packed.REVEAL:
        reverts._fail("provable: reveal not open")
    verdicts._reveal(terms, b, id, values, salt)


# Convictions


@external
def announce(announcement: bytes32):
    """
    @notice Announce a proof without showing it, for the first right to the bounty.
    @param announcement keccak256(abi.encode(keccak256(proof), prover)).
    """
    bounties._announce(announcement)


@external
def convict(
    terms: words.Terms,
    source: openings.Source,
    charge: convictions.Charge,
    values: DynArray[bytes32, 32],
    proof: Bytes[40_960],
):
    """
    @notice Take the whole bond of a seat that opened a lie; anyone who can prove it. Where somebody
            did so without having announced a proof, whoever did announce takes the bounty.
    @param values What the seat opened.
    @param proof For the court that the terms name.
    """
    key: bytes32 = words._key(terms)
    slot: bytes32 = seals._key(key, charge.batch, charge.round, charge.operator)
    is_played: bool = False
    seat: uint256 = 0
    is_played, seat = batches._played(key, charge.batch, charge.round, charge.operator)
    bounty: uint256 = 0
    if not is_played:
        bounty = bounties._claimed(slot, keccak256(proof))
    accused: ICourt.Claim = convictions._claim_of(
        terms, source, charge, values, slot, bound_demands.demands
    )
    court: address = staticcall ICourts(COURTS).court_of(packed._court(terms.a))
    # By hand: a court has nothing to return, and what an interface expects must return something.
    # It has the code that was admitted, so it is there.
    raw_call(court, abi_encode(accused, proof, method_id=JUDGE), is_static_call=True)
    if is_played:
        is_ripe: bool = bounties._is_ripe(keccak256(proof), msg.sender, block.timestamp)
        convictions._convict(terms, charge, seat, slot, is_ripe)
    else:
        bounties._award(slot, bounty, msg.sender)


@external
def release_bounty(seat: bytes32):
    """
    @notice Pay a bounty that waited long enough to the one who convicted; anyone.
    @param seat keccak256(abi.encode(job, batch, round, operator)).
    """
    bounties._release(seat)


# Settlement


@external
def accept(
    terms: words.Terms,
    origin: words.Origin,
    batch: uint256,
    values: DynArray[bytes32, 32],
):
    """@notice Pay for the values that were opened, before the challenge is over; the payer only."""
    self._only_payer(terms, origin)
    verdicts._settle(terms, batches._load(terms, batch), values, True)


@external
def settle(terms: words.Terms, batch: uint256, values: DynArray[bytes32, 32]):
    """
    @notice Make a batch final when its challenge is over; anyone.
    @param values What the surviving seats opened; unread where they differ.
    """
    b: batches.Batch = batches._load(terms, batch)
    verdicts._check_over(terms, b)
    demand_hooks._check_quiet(b, bounties.WAITS * bounties.PRIORITY)
    verdicts._settle(terms, b, values, False)


# Demands


@external
def hold(terms: words.Terms, batch: uint256, operator: uint256, until: uint256) -> uint256:
    """
    @notice Keep a batch from settling while a demand on a seat is open; the demands only.
    @param until When the demand's answer is due at the latest.
    @return The running round.
    """
    bound_demands._only_demands()
    return demand_hooks._hold(terms, batches._load(terms, batch), operator, until)


@external
def release(terms: words.Terms, batch: uint256, round: uint256, operator: uint256):
    """@notice A demand was answered; does nothing where the seat is no longer in play."""
    bound_demands._only_demands()
    demand_hooks._release(words._key(terms), batch, round, operator)


@external
def silence(terms: words.Terms, batch: uint256, round: uint256, operator: uint256):
    """@notice A demand was not answered: burn the seat's whole bond, if it is still in play."""
    bound_demands._only_demands()
    demand_hooks._silence(terms, batch, round, operator)


# Views


@external
@view
def max_lock() -> uint256:
    """@return The longest that a seat's bond can stay locked if somebody cranks, in seconds."""
    return provable_terms.MAX_LOCK


@external
@view
def minima() -> provable_terms.Minima:
    """@return The network's shortest windows, in seconds."""
    return MINIMA


@external
@view
def job_of(job: bytes32) -> uint256:
    """@return The job's word: seed height 64 | seed 192; 0 for an unknown job."""
    return batches.jobs[job]


@external
@view
def batch_of(job: bytes32, batch: uint256) -> uint256:
    """@return The batch's word, 0 before its first seat; a final one holds the result."""
    return batches.batches[job][batch]


@external
@view
def draw_of(job: bytes32, batch: uint256) -> uint256:
    """@return Height 64 | seed 192 of the batch's latest captured draw of seats."""
    return batches.draws[job][batch]


@external
@view
def seal_of(job: bytes32, batch: uint256, round: uint256, operator: uint256) -> uint256:
    """@return The seal record of `operator` in `round` of a batch."""
    return seals.records[seals._key(job, batch, round, operator)]


@internal
@view
def _idle(terms: words.Terms, number: uint256) -> batches.Batch:
    """@return A batch whose operator's seat is open."""
    b: batches.Batch = batches._load(terms, number)
    if b.phase != packed.OPEN:
        reverts._fail("provable: seat taken")
    return b


@internal
@view
def _only_payer(terms: words.Terms, origin: words.Origin):
    if terms.origin != words._origin(msg.sender, origin):
        reverts._fail("provable: not the payer")
