# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Job terms
@author Proofmesh
@license AGPL-3.0-only
@notice Which terms a replicated job may have, and what they mean for time and money.
@dev Provable jobs keep to some of the same bounds: `provable_terms`.
"""

from . import job_words as words
from . import reverts

DAY: constant(uint256) = 86_400
MAX_CLAIM: constant(uint256) = DAY
MAX_RUN: constant(uint256) = 2 * DAY
MAX_REVEAL: constant(uint256) = DAY
MAX_EXPIRY: constant(uint256) = 60 * DAY
RAISES: constant(uint256) = 2

# Word b: posted_at, which is filled in, the challenge window and what lies above the expiry. Word a
# has the court above its fee.
SPARE_IN_B: constant(uint256) = ~(2**176 - 1) | (2**24 - 1) << 112 | (2**40 - 1)

# A base round, growth, and a day for somebody to crank between them.
MAX_LOCK: constant(uint256) = 2 * (MAX_CLAIM + MAX_RUN + MAX_REVEAL) + DAY


@internal
@view
def _check(
    terms: words.Terms, min_claim: uint256, min_run: uint256, min_reveal: uint256, epoch: uint256
):
    """@notice Revert unless a job with these terms may be posted now."""
    if terms.a >> 212 != 0 or terms.b & SPARE_IN_B != 0:
        self._spare_bits()
    self._check_seats(terms.a, terms.named != empty(bytes32))
    self._check_money(terms.a, words._price(terms.a))

    claim: uint256 = words._claim_window(terms.b)
    run: uint256 = words._run_window(terms.b)
    reveal: uint256 = words._reveal_window(terms.b)
    if claim < min_claim or claim > min(MAX_CLAIM, epoch):
        self._bad_windows()
    if run < min_run or run > MAX_RUN:
        self._bad_windows()
    if reveal < min_reveal or reveal > MAX_REVEAL:
        self._bad_windows()

    expiry: uint256 = words._expiry(terms.b)
    # The longest that a batch can take from the start of its last base round, cranked at once.
    worst: uint256 = claim + run + reveal
    if self._grows(terms.a):
        worst *= 2
    if expiry < block.timestamp + 2 * RAISES * claim + worst:
        self._bad_expiry()
    # A single seat's bond stays locked until the expiry.
    longest: uint256 = MAX_LOCK if words._seats(terms.a) == 1 else MAX_EXPIRY
    if expiry > block.timestamp + longest:
        self._bad_expiry()


@internal
@pure
def _check_seats(a: uint256, named: bool):
    seats: uint256 = words._seats(a)
    most: uint256 = words._max_seats(a)
    if seats == 1:
        if most != 1 or not named:
            self._bad_seats()
        return
    if seats < 2 or seats > most:
        self._bad_seats()
    if seats == 2 and most < 5:
        self._bad_seats()
    # Growth must be able to bring a majority of three.
    if not words._settles_dissent(a) and (most < 5 or most == seats):
        self._bad_seats()


@internal
@pure
def _check_money(a: uint256, price: uint256):
    """@notice Revert unless `price` is one that the bond answers for."""
    bond: uint256 = words._bond(a)
    size: uint256 = words._log_batch(a)
    if price == 0:
        reverts._fail("jobs: bad price")
    if size > 5:
        reverts._fail("jobs: bad batch size")
    # A batch's bonds must fit a lane.
    if bond == 0 or (bond << size) >> 64 != 0:
        self._bad_bond()
    if words._token(a) == 0 and bond * 10**9 < price:
        self._bad_bond()


@internal
@pure
def _grows(a: uint256) -> bool:
    """@return Whether a dissent in the base round makes the batch grow."""
    return words._seats(a) != 1 and not words._settles_dissent(a)


@internal
@pure
def _check_end(b: uint256, end: uint256):
    """@notice Revert when something would end after the job's expiry."""
    if end > words._expiry(b):
        self._past_expiry()


@internal
@pure
def _spare_bits():
    reverts._fail("jobs: spare bits")


@internal
@pure
def _bad_seats():
    reverts._fail("jobs: bad seats")


@internal
@pure
def _bad_bond():
    reverts._fail("jobs: bad bond")


@internal
@pure
def _bad_windows():
    reverts._fail("jobs: bad windows")


@internal
@pure
def _past_expiry():
    reverts._fail("jobs: past expiry")


@internal
@pure
def _bad_expiry():
    reverts._fail("jobs: bad expiry")
