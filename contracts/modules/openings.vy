# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Openings
@author Proofmesh
@license AGPL-3.0-only
@notice Results shown after the seals: one seat at a time, all at once, or read back to settle.
"""

from . import job_words as words
from . import reverts
from . import rounds
from . import seals

uses: seals


# What the seats of a batch opened, in all its rounds.
struct Openings:
    seats: uint256  # the mask of those that opened
    lists: uint256  # the mask of the lists that they opened
    slots: DynArray[bytes32, 7]  # where the records are, opened or not


@internal
def _reveal(
    r: rounds.Round, id: uint256, count: uint256, opened: bytes32, kept: bytes32, salt: bytes32
):
    """
    @notice Open the seal of operator `id` in the running round.
    @param opened The hash of the `count` values that were sealed.
    @param kept The hash of the values v that they stand for.
    """
    self._check_open(r)
    if count != r.tasks:
        self._wrong()
    slot: bytes32 = seals._key(r.key, r.batch, r.number, id)
    sealed: uint256 = seals.records[slot]
    # Whoever holds no seat has no record, which no opening fits.
    if sealed != seals._digest(r.key, r.batch, r.number, id, opened, salt):
        if seals._is_opened(sealed):
            reverts._fail("jobs: already opened")
        self._wrong()
    seals.records[slot] = seals._opened(kept)


@internal
@view
def _check_all(
    r: rounds.Round, values: DynArray[bytes32, 32], salts: DynArray[bytes32, 7]
) -> DynArray[bytes32, 7]:
    """
    @notice Revert unless every seat of the base round sealed or opened `values`, none FAILED.
    @return Where their seals are.
    """
    if r.first != 0 or r.target == 1:
        reverts._fail("jobs: no short path")
    if rounds._own(0, r.target) != words._sealed(r.word):
        self._not_open()
    self._check_open(r)
    if len(values) != r.tasks or len(salts) != r.target:
        self._wrong()
    if seals.FAILED in values:
        reverts._fail("jobs: failed value")
    slots: DynArray[bytes32, 7] = []
    opened: bytes32 = keccak256(abi_encode(values))
    expected: uint256 = seals._opened(opened)
    ids: uint256 = r.word
    for seat: uint256 in range(r.target, bound=7):
        id: uint256 = ids & words.U24
        ids >>= 24
        slot: bytes32 = seals._key(r.key, r.batch, r.number, id)
        record: uint256 = seals.records[slot]
        if record != expected:
            if record != seals._digest(r.key, r.batch, r.number, id, opened, salts[seat]):
                self._wrong()
        slots.append(slot)
    return slots


@internal
@view
def _check_single(r: rounds.Round, values: DynArray[bytes32, 32]) -> DynArray[bytes32, 7]:
    """
    @notice Revert unless the batch's single seat opened `values`.
    @return Where its seal is.
    """
    if r.target != 1:
        reverts._fail("jobs: not a single seat")
    slot: bytes32 = seals._key(r.key, r.batch, r.number, words._seat_id(r.word, 0))
    if seals.records[slot] != seals._opened(keccak256(abi_encode(values))):
        self._wrong()
    return [slot]


@internal
@view
def _read(r: rounds.Round, answers: DynArray[uint256, 7], choice: uint256) -> Openings:
    """
    @param answers What the record of a seat that opened each list looks like.
    @param choice Which list each seat opened, 3 bits a seat; unread for a seat that did not.
    """
    found: Openings = empty(Openings)
    sealed: uint256 = words._sealed(r.word)
    ids: uint256 = r.word
    for seat: uint256 in range(r.granted, bound=7):
        id: uint256 = ids & words.U24
        ids >>= 24
        if sealed >> seat & 1 == 0:
            continue
        # Growth follows its base round at once, so its base seats sealed one round earlier.
        in_round: uint256 = r.number
        if seat < r.first:
            in_round -= 1
        slot: bytes32 = seals._key(r.key, r.batch, in_round, id)
        record: uint256 = seals.records[slot]
        found.slots.append(slot)
        if record >= seals.OPENED:
            answer: uint256 = choice >> unsafe_mul(3, seat) & 7
            if answer >= len(answers) or answers[answer] != record:
                reverts._fail("jobs: wrong answers")
            found.seats |= 1 << seat
            found.lists |= 1 << answer
    return found


@internal
def _clear(slots: DynArray[bytes32, 7]):
    """@notice Forget the records of a batch that is final: the refund pays for a settlement."""
    for slot: bytes32 in slots:
        seals.records[slot] = 0


@internal
@view
def _check_open(r: rounds.Round):
    """@notice Revert unless results may be shown now."""
    if not rounds._is_open(r):
        self._not_open()
    if block.timestamp >= r.reveal_until:
        reverts._fail("jobs: reveal closed")


@internal
@pure
def _not_open():
    reverts._fail("jobs: reveal not open")


@internal
@pure
def _wrong():
    reverts._fail("jobs: wrong opening")
