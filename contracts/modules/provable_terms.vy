# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Provable terms
@author Proofmesh
@license AGPL-3.0-only
@notice Which terms a provable job may have, and what they mean for time and money.
"""

from ..interfaces import ICourts
from . import job_terms
from . import job_words as words
from . import provable_words
from . import reverts

DAY: constant(uint256) = 86_400
MAX_CHALLENGE: constant(uint256) = 2 * DAY
MAX_EXPIRY: constant(uint256) = 60 * DAY
BPS: constant(uint256) = 10_000
SQUARE: constant(uint256) = BPS * BPS

# The most that demands can add to a challenge, however many there are.
DEMAND_TIME: constant(uint256) = 2 * DAY

# Run, an audit drawn twice, reveal, a doubled challenge, demands, and a day to crank between them.
MAX_LOCK: constant(uint256) = DAY + 4 * DAY + DAY + 2 * MAX_CHALLENGE + DEMAND_TIME + DAY


# The network's shortest windows, in seconds.
struct Minima:
    claim: uint256
    run: uint256
    reveal: uint256
    challenge: uint256


@internal
@view
def _check(terms: words.Terms, least: Minima, epoch: uint256, limits: ICourts.Limits):
    """@notice Revert unless a job with these terms may be posted now."""
    a: uint256 = terms.a
    if a >> 242 != 0 or words._settles_dissent(a):
        job_terms._spare_bits()
    # Above the expiry, and where posted_at will be.
    if terms.b >> 176 != 0 or terms.b & provable_words.U40 != 0:
        job_terms._spare_bits()
    if words._seats(a) != 1 or words._max_seats(a) != 1:
        job_terms._bad_seats()
    job_terms._check_money(a, words._price(a))
    self._check_stakes(a, limits)
    self._check_windows(terms.b, least, epoch)


@internal
@view
def _check_windows(b: uint256, least: Minima, epoch: uint256):
    claim: uint256 = words._claim_window(b)
    run: uint256 = words._run_window(b)
    reveal: uint256 = words._reveal_window(b)
    challenge: uint256 = provable_words._challenge_window(b)
    if claim < least.claim or claim > min(DAY, epoch):
        job_terms._bad_windows()
    if run < least.run or run > DAY:
        job_terms._bad_windows()
    if reveal < least.reveal or reveal > DAY:
        job_terms._bad_windows()
    if challenge < least.challenge or challenge > MAX_CHALLENGE:
        job_terms._bad_windows()
    expiry: uint256 = words._expiry(b)
    if expiry < block.timestamp + claim + self._worst_case(b):
        job_terms._bad_expiry()
    if expiry > block.timestamp + MAX_EXPIRY:
        job_terms._bad_expiry()


@internal
@pure
def _check_stakes(a: uint256, limits: ICourts.Limits):
    """@notice Revert unless a lie loses more than it can win, and pays whoever proves it (P3)."""
    audit: uint256 = provable_words._audit_bps(a)
    if audit < limits.least_audit_bps or audit > BPS:
        reverts._fail("provable: bad audit share")
    # The chance that an honest auditor looks, in units of 1 / SQUARE.
    chance: uint256 = audit * (BPS - limits.capture_bps)
    price: uint256 = words._price(a)
    if words._token(a) != 0:
        price = (price * limits.rate + 10**18 - 1) // 10**18
    if words._bond(a) * 10**9 * chance < 2 * price * (SQUARE - chance):
        reverts._fail("provable: bond below the prize")
    # The last batch is the smallest, and its bond has to pay for a conviction too.
    smallest: uint256 = words._tasks_in(a, (words._tasks(a) - 1) >> words._log_batch(a))
    if words._bond(a) * smallest < limits.least_bond:
        reverts._fail("provable: bond below a proof")


@internal
@pure
def _worst_case(b: uint256) -> uint256:
    """@return The longest a batch can take from its operator's claim on, cranked at once."""
    run: uint256 = words._run_window(b)
    audit: uint256 = 2 * (words._claim_window(b) + run)
    challenge: uint256 = 2 * provable_words._challenge_window(b) + DEMAND_TIME
    return run + audit + words._reveal_window(b) + challenge


@internal
@pure
def _challenge(b: uint256, unaudited: bool) -> uint256:
    """@return The challenge window: twice as long where an audit was due and nobody came."""
    window: uint256 = provable_words._challenge_window(b)
    return 2 * window if unaudited else window
