# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Openings
@author Proofmesh
@license AGPL-3.0-only
@notice Results shown after the seals: one seat at a time, all at once, or read back to settle.
"""

from . import job_events as events
from . import job_words as words
from . import reverts
from . import rounds
from . import seals

uses: seals


@internal
def _reveal(r: rounds.Round, b: uint256, id: uint256, values: DynArray[bytes32, 32], salt: bytes32):
    """@notice Open the seal of operator `id` in the running round."""
    rounds._seat_of(r, id)
    if not rounds._is_open(r, b):
        self._not_open()
    self._check_time(r, b)
    if len(values) != r.tasks:
        self._wrong()
    number: uint256 = words._number(r.word)
    opened: bytes32 = seals._hash(values)
    slot: bytes32 = seals._key(r.key, r.batch, number, id)
    sealed: uint256 = seals.records[slot]
    if seals._is_opened(sealed):
        reverts._fail("jobs: already opened")
    if sealed != seals._digest(r.key, r.batch, number, id, opened, salt):
        self._wrong()
    # Growth shows s itself: whoever only saw others open v cannot follow them.
    kept: bytes32 = opened if r.first == 0 else seals._hash(seals._blind(values))
    seals.records[slot] = seals._opened(kept)
    log events.ResultRevealed(job=r.key, operator=id, batch=r.batch, round=number, values=values)


@internal
@view
def _check_all(
    r: rounds.Round, b: uint256, values: DynArray[bytes32, 32], salts: DynArray[bytes32, 7]
):
    """@notice Revert unless every seat of the base round sealed or opened `values`, none FAILED."""
    if r.first != 0 or r.target == 1:
        reverts._fail("jobs: no short path")
    if not rounds._all_sealed(r):
        self._not_open()
    self._check_time(r, b)
    if len(values) != r.tasks or len(salts) != r.target:
        self._wrong()
    if seals.FAILED in values:
        reverts._fail("jobs: failed value")
    number: uint256 = words._number(r.word)
    opened: bytes32 = seals._hash(values)
    for seat: uint256 in range(r.target, bound=7):
        id: uint256 = words._seat_id(r.word, seat)
        record: uint256 = seals.records[seals._key(r.key, r.batch, number, id)]
        expected: uint256 = seals._opened(opened)
        if not seals._is_opened(record):
            expected = seals._digest(r.key, r.batch, number, id, opened, salts[seat])
        if record != expected:
            self._wrong()


@internal
@view
def _check_single(r: rounds.Round, values: DynArray[bytes32, 32]):
    """@notice Revert unless the batch's single seat opened `values`."""
    if r.target != 1:
        reverts._fail("jobs: not a single seat")
    id: uint256 = words._seat_id(r.word, 0)
    slot: bytes32 = seals._key(r.key, r.batch, words._number(r.word), id)
    if seals.records[slot] != seals._opened(seals._hash(values)):
        self._wrong()


@internal
@view
def _read(r: rounds.Round, records: DynArray[uint256, 7], lists: uint256[7]) -> uint256:
    """
    @param records What the record of a seat that opened each list looks like.
    @return The mask of seats that opened; the list of each is the one it opened.
    """
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
        if seals._is_opened(record):
            if lists[seat] >= len(records) or records[lists[seat]] != record:
                reverts._fail("jobs: wrong answers")
            opened |= 1 << seat
    return opened


@internal
@view
def _check_time(r: rounds.Round, b: uint256):
    if block.timestamp >= rounds._reveal_until(r, b):
        reverts._fail("jobs: reveal closed")


@internal
@pure
def _not_open():
    reverts._fail("jobs: reveal not open")


@internal
@pure
def _wrong():
    reverts._fail("jobs: wrong opening")
