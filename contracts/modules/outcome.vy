# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Outcome
@author Proofmesh
@license AGPL-3.0-only
@notice What a set of openings means: which tasks are decided, and what each seat gets and loses.
@dev Pure. Computed from all openings, so that nothing depends on who cranks. The rows are those of
     docs/protocol.md, section 4; `worker/protocol/outcome.py` decides the same.
"""

from . import job_words as words

FAILED: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

# A seat's tally counts tasks in fields of 8 bits, one for each thing that can befall it.
PAID: constant(uint256) = 1
ABORTED: constant(uint256) = 1 << 8  # paid the abort fee
BURNT: constant(uint256) = 1 << 16  # loses the task's bond
QUARTERED: constant(uint256) = 1 << 24  # loses a quarter of it
CONTESTED: constant(uint256) = 1 << 32  # loses the contest fee

NOTHING_STANDS: constant(uint256) = 14  # counted as so many seats, no opening is a majority


# What the decision depends on besides the openings.
struct Case:
    seats: uint256  # N, base and growth together; NOTHING_STANDS when growth stayed unfilled
    grows: bool  # a contested task waits for a growth round
    burns: bool  # a majority of three burns the bonds of those that disagree


struct Outcome:
    paid: uint256  # masks of tasks
    failed: uint256
    tied: uint256
    contested: uint256
    tally: uint256[7]


# What the seats opened for one task.
struct Voices:
    values: bytes32[7]
    valued: uint256  # mask of the seats that opened a value
    failed: uint256  # mask of the seats that opened FAILED
    winners: uint256  # the largest group of seats with one value; the first of several
    dissent: bool  # whether there is a second value


@internal
@pure
def _unanimous(mask: uint256, tasks: uint256, seats: uint256) -> Outcome:
    """@return The outcome when all `seats` opened the same values for the `tasks` in `mask`."""
    o: Outcome = empty(Outcome)
    o.paid = mask
    for seat: uint256 in range(seats, bound=7):
        o.tally[seat] = tasks  # * PAID
    return o


@internal
@pure
def _accepted(values: DynArray[bytes32, 32]) -> (Outcome, DynArray[bytes32, 32]):
    """
    @notice The outcome when the payer accepts what a single seat opened for a whole batch.
    @return It, and the values of the paid tasks.
    """
    o: Outcome = empty(Outcome)
    paid: DynArray[bytes32, 32] = []
    bit: uint256 = 1
    for v: bytes32 in values:
        if v == FAILED:
            o.failed |= bit
            o.tally[0] += ABORTED
        else:
            o.paid |= bit
            paid.append(v)
            o.tally[0] += PAID
        bit <<= 1
    return o, paid


@internal
@pure
def _with_task(
    before: Outcome, case: Case, bit: uint256, opened: uint256, values: bytes32[7]
) -> (Outcome, bytes32):
    """
    @notice Decide one more task.
    @param bit The task's mask.
    @param opened The mask of seats whose openings count.
    @param values What each of them opened for the task.
    @return The outcome with it, and the value that most opened: it stands if the task is paid.
    """
    voices: Voices = empty(Voices)
    voices.values = values
    for seat: uint256 in range(7):
        if opened >> seat & 1 == 0:
            continue
        if values[seat] == FAILED:
            voices.failed |= 1 << seat
        else:
            voices.valued |= 1 << seat
    voices = self._grouped(voices)
    return self._with_voices(before, case, bit, voices), self._value(voices)


@internal
@pure
def _grouped(voices: Voices) -> Voices:
    """@return `voices` with the seats of equal values put together."""
    grouped: Voices = voices
    left: uint256 = voices.valued
    most: uint256 = 0
    for seat: uint256 in range(7):
        if left >> seat & 1 == 0:
            continue
        if most != 0:
            grouped.dissent = True
        group: uint256 = 0
        size: uint256 = 0
        for other: uint256 in range(seat, 7, bound=7):
            if left >> other & 1 == 1 and voices.values[other] == voices.values[seat]:
                group |= 1 << other
                size += 1
        left ^= group
        if size > most:
            grouped.winners = group
            most = size
    return grouped


@internal
@pure
def _with_voices(before: Outcome, case: Case, bit: uint256, voices: Voices) -> Outcome:
    """@return The outcome with one more task decided: the rows of the table."""
    o: Outcome = before
    agreeing: uint256 = words._count(voices.winners)
    stands: bool = agreeing >= 2 and 2 * agreeing > case.seats
    fails: bool = 2 * words._count(voices.failed) > case.seats
    open: bool = not stands and not fails and agreeing != 0
    if case.grows and (voices.dissent or open):
        o.contested |= bit
        return o
    if fails:
        o.failed |= bit
        o.tally = self._add(o.tally, voices.failed, ABORTED)
        return o
    if stands:
        o.paid |= bit
        o.tally = self._add(o.tally, voices.winners, PAID)
        if case.burns and agreeing >= 3:
            o.tally = self._add(o.tally, voices.valued ^ voices.winners, BURNT)
    elif voices.dissent:
        o.tied |= bit
        o.tally = self._add(o.tally, voices.valued, CONTESTED)
    o.tally = self._add(o.tally, voices.failed, QUARTERED)
    return o


@internal
@pure
def _value(voices: Voices) -> bytes32:
    """@return The value that the winners opened."""
    for seat: uint256 in range(7):
        if voices.winners >> seat & 1 == 1:
            return voices.values[seat]
    return empty(bytes32)


@internal
@pure
def _add(tally: uint256[7], seats: uint256, unit: uint256) -> uint256[7]:
    """@return `tally` with `unit` added for each seat in the mask `seats`."""
    if seats == 0:
        return tally
    total: uint256[7] = tally
    for seat: uint256 in range(7):
        if seats >> seat & 1 == 1:
            total[seat] += unit
    return total


@internal
@pure
def _contest_fee(price: uint256, bond: uint256, token: uint256) -> uint256:
    """@return What a seat loses per contested task, in gwei."""
    if token != 0:
        return bond // 10  # gwei of stake and units of another token do not compare
    return min(price // 10 // 10**9, bond)


@internal
@pure
def _aborted(tally: uint256, price: uint256) -> uint256:
    """@return What a seat is paid for tasks that could not be finished, in the job's token."""
    return ((tally >> 8) & 255) * (price // 50)


@internal
@pure
def _lost(tally: uint256, bond: uint256, fee: uint256) -> uint256:
    """@return What a seat loses of its bond, in gwei; `fee` is the contest fee."""
    lost: uint256 = ((tally >> 16) & 255) * bond
    lost += ((tally >> 24) & 255) * (bond // 4)
    return lost + ((tally >> 32) & 255) * fee
