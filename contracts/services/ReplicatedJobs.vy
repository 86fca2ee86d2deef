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
from ..interfaces import ISeedSource
from ..interfaces import IService
from ..interfaces import IStaking
from ..modules import bills
from ..modules import job_events as events
from ..modules import job_terms
from ..modules import job_words as words
from ..modules import membership
from ..modules import outcome
from ..modules import reverts
from ..modules import rounds
from ..modules import seals
from ..modules import sortition

implements: IService
initializes: rounds
initializes: seals

BASE: constant(uint256) = 0  # stages of `result_of`
GROWTH: constant(uint256) = 1

STAKING: public(immutable(address))
ESCROW: public(immutable(address))
SEEDS: public(immutable(address))
EPOCH: immutable(uint256)
MIN_CLAIM: public(immutable(uint256))
MIN_RUN: public(immutable(uint256))
MIN_REVEAL: public(immutable(uint256))

# job -> batch -> stage -> keccak256(abi.encode(mask, values)) of the tasks whose value stands
result_of: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])


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
    STAKING = staking
    ESCROW = escrow
    SEEDS = seeds
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
    if rounds.jobs[key] != 0: reverts._fail("jobs: already posted")
    rounds.jobs[key] = self._next_height()
    extcall IEscrow(ESCROW).open(
        msg.sender,
        words._token(a),
        bills._reserve(a, words._tasks(a), words._price(a)),
        key,
        words._expiry(b),
        words._fee_bps(a),
        permit,
    )
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
    height: uint256 = self._next_height()
    added: uint256 = 0
    for batch: uint256 in batches:
        r: rounds.Round = rounds._load(terms, batch)
        self._check_raise(terms, r, price)
        added += bills._reserve(terms.a, r.tasks, price - r.price)
        number: uint256 = words._number(r.word) + 1
        rounds._begin(
            r,
            words._empty_round(number, block.timestamp),
            words._draw(price, r.mask, height),
        )
        self._unlock(bills._returned(terms.a, r))
        self._log_round(r, number, price, r.mask, height)
    extcall IEscrow(ESCROW).top_up(
        msg.sender,
        words._token(terms.a),
        added,
        words._key(terms),
        words._expiry(terms.b),
        words._fee_bps(terms.a),
        permit,
    )


@external
def cancel(terms: words.Terms, origin: words.Origin, batches: DynArray[uint256, 32]):
    """@notice End batches whose base round has no seat taken, or was not filled; the payer only."""
    self._only_payer(terms, origin)
    refund: uint256 = 0
    for batch: uint256 in batches:
        r: rounds.Round = rounds._load(terms, batch)
        idle: bool = words._granted(r.word) == 0 or rounds._is_unfilled(r, terms.b)
        if r.first != 0 or not idle: reverts._fail("jobs: seats taken")
        refund += self._close(terms, r, events.CANCELLED)
    self._pay(terms, [], refund, 0)


@external
def expire(terms: words.Terms, batches: DynArray[uint256, 32]):
    """@notice End batches that were not filled, when the payer's time to raise is over; anyone."""
    refund: uint256 = 0
    for batch: uint256 in batches:
        r: rounds.Round = rounds._load(terms, batch)
        if r.first != 0 or rounds._is_filled(r): self._not_unfilled()
        if block.timestamp < self._raise_until(r, terms.b): self._too_early()
        refund += self._close(terms, r, events.EXPIRED)
    self._pay(terms, [], refund, 0)


# Seats

@external
def claim(terms: words.Terms, batch: uint256, proof: membership.Proof):
    """
    @notice Take the next seat of a batch for the caller's operator, locking its bond.
    @param proof That the operator is named; empty in jobs that draw their operators.
    """
    r: rounds.Round = empty(rounds.Round)
    id: uint256 = 0
    r, id = self._claimed(terms, batch, proof)
    rounds._store(r)


@external
def seal(terms: words.Terms, batch: uint256, digest: bytes32):
    """@notice Fix the caller's result of the current round without showing it."""
    r: rounds.Round = rounds._load(terms, batch)
    id: uint256 = staticcall IStaking(STAKING).operator_of(msg.sender)
    seat: uint256 = rounds._seat_of(r, id)
    if rounds._is_unfilled(r, terms.b): self._unfilled()
    if block.timestamp >= rounds._seal_until(r, terms.b): reverts._fail("jobs: seal closed")
    if words._sealed(r.word) >> seat & 1 == 1: reverts._fail("jobs: already sealed")
    rounds._store(self._with_seal(r, id, seat, digest))


@external
def claim_sealed(
    terms: words.Terms, batch: uint256, proof: membership.Proof, digest: bytes32
):
    """@notice `claim` and `seal` at once, for an operator that has the result already."""
    r: rounds.Round = empty(rounds.Round)
    id: uint256 = 0
    r, id = self._claimed(terms, batch, proof)
    rounds._store(self._with_seal(r, id, words._granted(r.word) - 1, digest))


@external
def reveal(
    terms: words.Terms,
    batch: uint256,
    id: uint256,
    values: DynArray[bytes32, 32],
    salt: bytes32,
):
    """
    @notice Open operator `id`'s seal of the current round; anyone who has the salt.
    @param values One per task of the round: v in a base round, s in growth, FAILED = 1 in both.
    """
    r: rounds.Round = rounds._load(terms, batch)
    rounds._seat_of(r, id)
    if not rounds._is_open(r, terms.b): self._not_open()
    if block.timestamp >= rounds._reveal_until(r, terms.b): self._reveal_closed()
    if len(values) != r.tasks: self._wrong_opening()
    number: uint256 = words._number(r.word)
    opened: bytes32 = seals._hash(values)
    slot: bytes32 = seals._key(r.key, batch, number, id)
    sealed: uint256 = seals.records[slot]
    if sealed >> 255 == 1: reverts._fail("jobs: already opened")
    if sealed != seals._digest(r.key, batch, number, id, opened, salt): self._wrong_opening()
    # Growth shows s itself: whoever only saw others open v cannot follow them.
    kept: bytes32 = opened if r.first == 0 else seals._hash(seals._blind(values))
    seals.records[slot] = seals._opened(kept)
    log events.ResultRevealed(job=r.key, operator=id, batch=batch, round=number, values=values)


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
    if r.first != 0 or r.target == 1: reverts._fail("jobs: no short path")
    if not rounds._all_sealed(r): self._not_open()
    if block.timestamp >= rounds._reveal_until(r, terms.b): self._reveal_closed()
    if len(values) != r.tasks or len(salts) != r.target: self._wrong_opening()
    if seals.FAILED in values: reverts._fail("jobs: failed value")
    number: uint256 = words._number(r.word)
    opened: bytes32 = seals._hash(values)
    for seat: uint256 in range(r.target, bound=7):
        id: uint256 = words._seat_id(r.word, seat)
        record: uint256 = seals.records[seals._key(r.key, batch, number, id)]
        if record >> 255 == 1:
            if record != seals._opened(opened): self._wrong_opening()
        elif record != seals._digest(r.key, batch, number, id, opened, salts[seat]):
            self._wrong_opening()
    self._finish(terms, r, outcome._unanimous(r.mask, r.target, values), 0)


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
    filled: bool = rounds._is_filled(r)
    self._check_settle(terms, r, filled)
    lists: uint256[7] = self._lists(choice)
    opened: uint256 = self._check_answers(r, answers, lists)
    silent: uint256 = 0
    if filled:
        silent = rounds._seats_of(r) & ~opened
        late: bool = block.timestamp >= rounds._reveal_until(r, terms.b)
        if silent & words._sealed(r.word) != 0 and not late: self._too_early()
    if r.target == 1 and opened != 0:
        # A single seat is paid by `accept` alone; here its bond goes back.
        if block.timestamp < words._expiry(terms.b): self._too_early()
        opened = 0
    case: outcome.Case = outcome.Case(
        mask=r.mask,
        seats=r.target if filled else outcome.NOTHING_STANDS,
        first=r.first,
        grows=r.first == 0 and job_terms._grows(terms.a),
        burns=terms.named == empty(bytes32),
    )
    o: outcome.Outcome = outcome._decide(case, opened, lists, answers)
    o.tally = outcome._silence(o.tally, silent, words._sealed(r.word), r.tasks)
    self._finish(terms, r, o, silent)


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
    r: rounds.Round = rounds._load(terms, batch)
    if r.target != 1: reverts._fail("jobs: not a single seat")
    if block.timestamp >= words._expiry(terms.b): reverts._fail("jobs: expired")
    slot: bytes32 = seals._key(r.key, batch, words._number(r.word), words._seat_id(r.word, 0))
    if seals.records[slot] != seals._opened(seals._hash(values)): self._wrong_opening()
    self._finish(terms, r, outcome._accepted(values), 0)


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
    """@return The batch's word, 0 before its first seat."""
    return rounds.batches[job][batch]


@external
@view
def round_of(job: bytes32, batch: uint256) -> uint256:
    """@return The word of the batch's current round, 0 in the first."""
    return rounds.draws[job][batch]


@external
@view
def seal_of(job: bytes32, batch: uint256, number: uint256, id: uint256) -> uint256:
    """@return The seal record of operator `id` in round `number` of a batch."""
    return seals.records[seals._key(job, batch, number, id)]


# Claiming

@internal
def _claimed(
    terms: words.Terms, batch: uint256, proof: membership.Proof
) -> (rounds.Round, uint256):
    """@return The round with the caller's seat in it, still to be stored, and the operator's id."""
    r: rounds.Round = rounds._load(terms, batch)
    if block.timestamp >= rounds._claim_until(r, terms.b): reverts._fail("jobs: claim closed")
    if rounds._is_filled(r): reverts._fail("jobs: no seat left")
    length: uint256 = job_terms._worst_case(terms)
    if r.first != 0:
        length = words._round_length(terms.b)
    if r.opened_at + length > words._expiry(terms.b): self._expires()

    id: uint256 = 0
    weight: uint256 = 0
    total: uint256 = 0
    id, weight, total = extcall IStaking(STAKING).lock(
        msg.sender, words._bond(terms.a) * r.tasks, r.opened_at
    )
    if rounds._holds_seat(r.word, id): reverts._fail("jobs: has a seat")
    if terms.named == empty(bytes32):
        self._check_ticket(r, terms.b, id, weight, total)
    elif not membership._is_member(terms.named, id, proof):
        reverts._fail("jobs: not named")
    log events.SeatClaimed(
        job=r.key,
        operator=id,
        batch=batch,
        round=words._number(r.word),
        seat=words._granted(r.word),
    )
    r.word = words._with_seat(r.word, id)
    return r, id


@internal
def _check_ticket(r: rounds.Round, b: uint256, id: uint256, weight: uint256, total: uint256):
    ticket: uint256 = sortition._ticket(rounds._seed(r, SEEDS), r.key, r.batch, id)
    released: uint256 = sortition._released(
        r.target - r.first, block.timestamp - r.opened_at, words._claim_window(b)
    )
    if not sortition._is_eligible(ticket, released, weight, total): reverts._fail("jobs: not drawn")


@internal
def _with_seal(r: rounds.Round, id: uint256, seat: uint256, digest: bytes32) -> rounds.Round:
    """@return The round with the seal of `seat` in it, still to be stored."""
    after: rounds.Round = r
    after.word = words._with_seal(r.word, seat)
    number: uint256 = words._number(r.word)
    seals.records[seals._key(r.key, r.batch, number, id)] = seals._kept(digest)
    log events.ResultSealed(job=r.key, operator=id, batch=r.batch, round=number, digest=digest)
    return after


@internal
@view
def _next_height() -> uint256:
    """@return Where a seed is drawn for a round that starts now."""
    return staticcall ISeedSource(SEEDS).height() + 1


# Rounds that were not filled

@internal
@view
def _raise_until(r: rounds.Round, b: uint256) -> uint256:
    return rounds._claim_until(r, b) + words._claim_window(b)


@internal
@view
def _check_raise(terms: words.Terms, r: rounds.Round, price: uint256):
    if r.first != 0 or not rounds._is_unfilled(r, terms.b): self._not_unfilled()
    if block.timestamp >= self._raise_until(r, terms.b): self._raise_closed()
    if words._number(r.word) > job_terms.RAISES: self._raise_closed()
    if price <= r.price: reverts._fail("jobs: price not raised")
    if block.timestamp + job_terms._worst_case(terms) > words._expiry(terms.b): self._expires()


@internal
def _close(terms: words.Terms, r: rounds.Round, reason: uint256) -> uint256:
    """@return What is to be refunded for the batch, which ends here with all bonds returned."""
    after: rounds.Round = r
    after.word |= words.FINAL
    rounds._store(after)
    self._unlock(bills._returned(terms.a, r))
    refund: uint256 = bills._reserve(terms.a, r.tasks, r.price)
    log events.BatchClosed(job=r.key, batch=r.batch, reason=reason, refund=refund)
    return refund


@internal
def _log_round(r: rounds.Round, number: uint256, price: uint256, mask: uint256, height: uint256):
    log events.RoundOpened(
        job=r.key,
        batch=r.batch,
        round=number,
        price=price,
        mask=mask,
        seed_height=height,
        opened_at=block.timestamp,
    )


# Settling

@internal
@view
def _check_settle(terms: words.Terms, r: rounds.Round, filled: bool):
    """@notice Revert while somebody may still take a seat or seal."""
    if filled:
        if not rounds._is_open(r, terms.b): self._too_early()
    else:
        if r.first == 0: self._unfilled()
        if not rounds._is_unfilled(r, terms.b): self._too_early()


@internal
@pure
def _lists(choice: uint256) -> uint256[7]:
    lists: uint256[7] = empty(uint256[7])
    for seat: uint256 in range(7):
        lists[seat] = (choice >> (3 * seat)) & 7
    return lists


@internal
@view
def _check_answers(
    r: rounds.Round, answers: DynArray[DynArray[bytes32, 32], 7], lists: uint256[7]
) -> uint256:
    """@return The mask of seats that opened; each one's list matches its record."""
    records: DynArray[uint256, 7] = []
    for values: DynArray[bytes32, 32] in answers:
        records.append(seals._opened(seals._hash(values)))
    opened: uint256 = 0
    number: uint256 = words._number(r.word)
    sealed: uint256 = words._sealed(r.word)
    for seat: uint256 in range(words._granted(r.word), bound=7):
        if sealed >> seat & 1 == 0:
            continue
        # Growth follows its base round at once, so its base seats sealed one round earlier.
        in_round: uint256 = number - 1 if seat < r.first else number
        id: uint256 = words._seat_id(r.word, seat)
        record: uint256 = seals.records[seals._key(r.key, r.batch, in_round, id)]
        if record >> 255 == 1:
            if lists[seat] >= len(records): self._wrong_answers()
            if records[lists[seat]] != record: self._wrong_answers()
            opened |= 1 << seat
    return opened


@internal
def _finish(terms: words.Terms, r: rounds.Round, o: outcome.Outcome, silent: uint256):
    """@notice Write a settlement's result, make the batch final or grow it, and pay the bill."""
    if o.paid != 0:
        stage: uint256 = BASE if r.first == 0 else GROWTH
        self.result_of[r.key][r.batch][stage] = keccak256(abi_encode(o.paid, o.values))
    bill: bills.Bill = bills._settled(terms.a, r, o, silent)
    log events.BatchSettled(
        job=r.key,
        batch=r.batch,
        round=words._number(r.word),
        paid_mask=o.paid,
        failed_mask=o.failed,
        tied_mask=o.tied,
        contested_mask=o.contested,
        values=o.values,
        seats=bill.seats,
    )
    if o.contested == 0:
        after: rounds.Round = r
        after.word |= words.FINAL
        rounds._store(after)
    else:
        self._grow(r, o.contested, silent)
    self._unlock(bill.locks)
    self._pay(terms, bill.pays, bill.refund, bill.burn)


@internal
def _grow(r: rounds.Round, contested: uint256, silent: uint256):
    height: uint256 = self._next_height()
    word: uint256 = words._grown(r.word, silent, block.timestamp)
    rounds._begin(r, word, words._draw(r.price, contested, height))
    self._log_round(r, words._number(word), r.price, contested, height)


# The vaults

@internal
def _unlock(locks: DynArray[uint256, 7]):
    if len(locks) != 0:
        extcall IStaking(STAKING).settle(locks)


@internal
def _pay(terms: words.Terms, pays: DynArray[uint256, 7], refund: uint256, burn: uint256):
    """@dev Pays nothing where the agreement is gone; bonds never wait for money."""
    if len(pays) == 0 and refund == 0 and burn == 0:
        return
    extcall IEscrow(ESCROW).pay(
        words._token(terms.a),
        words._key(terms),
        words._expiry(terms.b),
        words._fee_bps(terms.a),
        pays,
        refund,
        burn,
    )


@internal
@view
def _only_payer(terms: words.Terms, origin: words.Origin):
    if terms.origin != words._origin(msg.sender, origin): reverts._fail("jobs: not the payer")


# Reasons given in more than one place

@internal
@pure
def _expires():
    reverts._fail("jobs: past expiry")


@internal
@pure
def _unfilled():
    reverts._fail("jobs: round unfilled")


@internal
@pure
def _not_unfilled():
    reverts._fail("jobs: round not unfilled")


@internal
@pure
def _not_open():
    reverts._fail("jobs: reveal not open")


@internal
@pure
def _reveal_closed():
    reverts._fail("jobs: reveal closed")


@internal
@pure
def _wrong_opening():
    reverts._fail("jobs: wrong opening")


@internal
@pure
def _too_early():
    reverts._fail("jobs: too early")


@internal
@pure
def _wrong_answers():
    reverts._fail("jobs: wrong answers")


@internal
@pure
def _raise_closed():
    reverts._fail("jobs: raise closed")
