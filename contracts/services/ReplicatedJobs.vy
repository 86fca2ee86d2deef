# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ReplicatedJobs
@author Proofmesh
@license AGPL-3.0-only
@notice Runs each batch of a job on several operators' machines and pays those that agree.
@dev A state machine per batch; docs/protocol.md, section 4, is its description. Holds no money:
     bonds are Staking's, prices are Escrow's. A job is stored as the hash of its terms.
"""

from ..interfaces import IEscrow
from ..interfaces import IService
from ..interfaces import IStaking
from ..modules import bills
from ..modules import bound_demands
from ..modules import claims
from ..modules import job_events as events
from ..modules import job_terms
from ..modules import job_vaults as vaults
from ..modules import job_words as words
from ..modules import membership
from ..modules import openings
from ..modules import outcome
from ..modules import reverts
from ..modules import rounds
from ..modules import seals
from ..modules import settlements
from ..modules import unfilled

implements: IService

initializes: vaults
initializes: rounds
initializes: seals
initializes: claims[rounds := rounds, seals := seals, vaults := vaults]
initializes: openings[seals := seals]
initializes: settlements[openings := openings, rounds := rounds, vaults := vaults]
initializes: unfilled[rounds := rounds, vaults := vaults]
initializes: bound_demands[vaults := vaults]

exports: (
    vaults.STAKING,
    vaults.ESCROW,
    vaults.SEEDS,
    settlements.base_result_of,
    bound_demands.bind_demands,
    bound_demands.demands,
    bound_demands.forfeit,
)

OWN_STAKE_ONLY: public(constant(bool)) = False  # what a dissenter loses is burnt whole

EPOCH: immutable(uint256)
MIN_CLAIM: public(immutable(uint256))
MIN_RUN: public(immutable(uint256))
MIN_REVEAL: public(immutable(uint256))


@deploy
def __init__(
    staking: address,
    escrow: address,
    seeds: address,
    min_claim: uint256,
    min_run: uint256,
    min_reveal: uint256,
):
    """
    @param seeds The network's source of block hashes.
    @param min_claim The network's shortest claim window, in seconds; likewise run and reveal.
                     An outage shorter than these slashes nobody.
    """
    vaults.__init__(staking, escrow, seeds)
    bound_demands.__init__()
    EPOCH = staticcall IStaking(staking).epoch_length()
    MIN_CLAIM = min_claim
    MIN_RUN = min_run
    MIN_REVEAL = min_reveal


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
    @notice Post a job and move its whole reserve, tasks * max seats * price, into Escrow.
    @param b As in the terms, with posted_at zero: it is filled in here.
    @param named The root of the only operators that may claim, or empty for sortition.
    @param locators Where the blobs may be found; logged, not stored.
    @param permit A permit for the reserve; ignored where the allowance suffices.
    @return The job's key.
    """
    terms: words.Terms = words.Terms(
        a=a, b=b, named=named, origin=words._origin(msg.sender, origin)
    )
    job_terms._check(terms, MIN_CLAIM, MIN_RUN, MIN_REVEAL, EPOCH)
    terms.b |= block.timestamp
    key: bytes32 = words._key(terms)
    rounds._post(key, vaults._next_height())
    reserve: uint256 = bills._reserve(a, words._tasks(a), words._price(a))
    vaults._open(terms, key, reserve, permit)
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
def raise_price(
    terms: words.Terms,
    origin: words.Origin,
    batches: DynArray[uint256, 32],
    price: uint256,
    permit: IEscrow.Permit,
):
    """
    @notice Start another round at a higher price for batches that were not filled; the payer only.
    @dev Possible twice a batch, within one claim window after the unfilled one.
    @param price The new price per task and seat; the bond must still answer for it.
    """
    self._only_payer(terms, origin)
    job_terms._check_money(terms.a, price)
    height: uint256 = vaults._next_height()
    added: uint256 = 0
    for batch: uint256 in batches:
        added += unfilled._raise(terms, batch, price, height)
    vaults._top_up(terms, added, permit)


@external
def cancel(terms: words.Terms, origin: words.Origin, batches: DynArray[uint256, 32]):
    """@notice End batches whose base round has no seat taken, or was not filled; the payer only."""
    self._only_payer(terms, origin)
    refund: uint256 = 0
    for batch: uint256 in batches:
        refund += unfilled._cancel(terms, batch)
    vaults._pay(terms, words._key(terms), [], refund, 0)


@external
def expire(terms: words.Terms, batches: DynArray[uint256, 32]):
    """@notice End batches that were not filled, when the payer's time to raise is over; anyone."""
    refund: uint256 = 0
    for batch: uint256 in batches:
        refund += unfilled._expire(terms, batch)
    vaults._pay(terms, words._key(terms), [], refund, 0)


# Seats


@external
def claim(terms: words.Terms, batch: uint256, proof: membership.Proof):
    """
    @notice Take the next seat of a batch for the caller's operator, locking its bond.
    @param proof That the operator is named; empty in jobs that draw their operators.
    """
    r: rounds.Round = rounds._load(terms, batch)
    id: uint256 = claims._claim(terms, r)
    if terms.named != empty(bytes32):
        self._check_named(terms.named, id, proof)
    rounds.batches[r.key][batch] = words._with_seat(r.word, id)


@external
def seal(terms: words.Terms, batch: uint256, digest: bytes32):
    """@notice Fix the caller's result of the running round without showing it."""
    r: rounds.Round = rounds._load(terms, batch)
    id: uint256 = vaults._operator_of(msg.sender)
    seat: uint256 = rounds._seat_of(r.word, r.first, r.granted, id)
    claims._check_seal(r, seat)
    claims._seal(r, id, digest)
    rounds.batches[r.key][batch] = words._with_seal(r.word, seat)


@external
def claim_sealed(terms: words.Terms, batch: uint256, proof: membership.Proof, digest: bytes32):
    """@notice `claim` and `seal` at once, for an operator that has the result already."""
    r: rounds.Round = rounds._load(terms, batch)
    id: uint256 = claims._claim(terms, r)
    if terms.named != empty(bytes32):
        self._check_named(terms.named, id, proof)
    claims._seal(r, id, digest)
    rounds.batches[r.key][batch] = words._with_seal(words._with_seat(r.word, id), r.granted)


@external
def reveal(
    terms: words.Terms,
    batch: uint256,
    id: uint256,
    values: DynArray[bytes32, 32],
    salt: bytes32,
):
    """
    @notice Open operator `id`'s seal of the running round; anyone who has the salt.
    @param values One per task of the round: v in a base round, s in growth, FAILED = 1 in both.
    """
    r: rounds.Round = rounds._load(terms, batch)
    opened: bytes32 = keccak256(abi_encode(values))
    kept: bytes32 = opened
    if r.first != 0:
        # Growth shows s itself: whoever only saw others open v cannot follow them.
        kept = seals._hash(seals._blind(values))
    openings._reveal(r, id, len(values), opened, kept, salt)
    log events.ResultRevealed(job=r.key, operator=id, batch=batch, round=r.number, values=values)


# Settlement


@external
def conclude(
    terms: words.Terms,
    batch: uint256,
    values: DynArray[bytes32, 32],
    salts: DynArray[bytes32, 7],
):
    """
    @notice Open all seals of a base round that hold the same values, and pay; anyone.
    @param salts One per seat, in the seats' order; unread for a seat that has opened already.
    """
    r: rounds.Round = rounds._load(terms, batch)
    slots: DynArray[bytes32, 7] = openings._check_all(r, values, salts)
    o: outcome.Outcome = outcome._unanimous(r.mask, r.tasks, r.target)
    settlements._finish(terms, r, o, values, 0, slots)


@external
def settle(
    terms: words.Terms,
    batch: uint256,
    answers: DynArray[DynArray[bytes32, 32], 7],
    choice: uint256,
):
    """
    @notice Decide a round when every sealed seat has opened or its time is over; anyone.
    @param answers The distinct lists of v that were opened.
    @param choice Which list each seat opened, 3 bits a seat; unread for seats that did not.
    """
    r: rounds.Round = rounds._load(terms, batch)
    records: DynArray[uint256, 7] = []
    for i: uint256 in range(len(answers), bound=7):
        records.append(seals._opened(keccak256(abi_encode(answers[i]))))
    h: settlements.Hearing = settlements._hear(terms, r, records, choice)
    if settlements._is_unanimous(r, h) and seals.FAILED not in answers[0]:
        all: outcome.Outcome = outcome._unanimous(r.mask, r.tasks, r.target)
        settlements._finish(terms, r, all, answers[0], h.silent, h.openings.slots)
        return

    o: outcome.Outcome = empty(outcome.Outcome)
    stand: DynArray[bytes32, 32] = []
    rank: uint256 = 0
    for task: uint256 in range(32):
        if r.mask >> task & 1 == 0:
            continue
        # Base seats list the whole batch, growth's the contested tasks alone. The answers are read
        # here, for another copy of them would cost more than all decisions.
        values: bytes32[7] = empty(bytes32[7])
        for seat: uint256 in range(7):
            if h.openings.seats >> seat & 1 == 1:
                place: uint256 = task if seat < r.first else rank
                values[seat] = answers[choice >> (3 * seat) & 7][place]
        best: bytes32 = empty(bytes32)
        o, best = outcome._with_task(o, h.case, 1 << task, h.openings.seats, values)
        if o.paid >> task & 1 == 1:
            stand.append(best)
        rank += 1
    settlements._finish(terms, r, o, stand, h.silent, h.openings.slots)


@external
def accept(
    terms: words.Terms,
    origin: words.Origin,
    batch: uint256,
    values: DynArray[bytes32, 32],
):
    """
    @notice Pay the single seat of a batch for the values that it opened; the payer only.
    @dev Tasks opened as FAILED earn the abort fee.
    """
    self._only_payer(terms, origin)
    job_terms._check_end(terms.b, block.timestamp + 1)
    r: rounds.Round = rounds._load(terms, batch)
    slots: DynArray[bytes32, 7] = openings._check_single(r, values)
    o: outcome.Outcome = empty(outcome.Outcome)
    paid: DynArray[bytes32, 32] = []
    o, paid = outcome._accepted(values)
    settlements._finish(terms, r, o, paid, 0, slots)


# Views

@external
@view
def max_lock() -> uint256:
    """@return The longest that a seat's bond can stay locked if somebody cranks, in seconds."""
    return job_terms.MAX_LOCK


@external
@view
def job_of(job: bytes32) -> uint256:
    """@return The job's word: seed height 64 | seed 192; 0 for an unknown job."""
    return rounds.jobs[job]


@external
@view
def batch_of(job: bytes32, batch: uint256) -> uint256:
    """@return The batch's word: 0 before its first seat, FINAL and the result when it is over."""
    return rounds.batches[job][batch]


@external
@view
def round_of(job: bytes32, batch: uint256) -> uint256:
    """@return The word of the batch's current round, 0 in the first."""
    return rounds.draws[job][batch]


@external
@view
def seal_of(job: bytes32, batch: uint256, number: uint256, id: uint256) -> uint256:
    """@return The seal record of operator `id` in round `number` of a batch that is not over."""
    return seals.records[seals._key(job, batch, number, id)]


@internal
@view
def _only_payer(terms: words.Terms, origin: words.Origin):
    if terms.origin != words._origin(msg.sender, origin):
        reverts._fail("jobs: not the payer")


@internal
@pure
def _check_named(root: bytes32, id: uint256, proof: membership.Proof):
    if not membership._is_member(root, id, proof):
        reverts._fail("jobs: not named")
