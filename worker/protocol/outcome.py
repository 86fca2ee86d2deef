"""What a set of openings means. The twin of `modules/outcome.vy` and `modules/bills.vy`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.protocol.record import FAILED
from worker.protocol.words import GWEI, Terms, positions
from worker.types import Gwei, Wei


@dataclass
class Seat:
    """What becomes of one seat in a settlement."""

    paid: Wei = Wei(0)  # noqa: RUF009 - a plain int
    burnt: Gwei = Gwei(0)  # noqa: RUF009 - a plain int
    released: Gwei = Gwei(0)  # noqa: RUF009 - a plain int


@dataclass
class Settlement:
    """The masks, the values that stand by task, what each seat gets, and the payer's part."""

    paid: int = 0
    failed: int = 0
    tied: int = 0
    contested: int = 0
    values: dict[int, bytes] = field(default_factory=dict)
    seats: dict[int, Seat] = field(default_factory=dict)
    refund: Wei = Wei(0)  # noqa: RUF009 - a plain int
    burn: Wei = Wei(0)  # noqa: RUF009 - a plain int


@dataclass(frozen=True)
class Openings:
    """A batch when a round is settled.

    `opened` has, for each seat that opened, its value v by task counted from the batch's first.
    `ended` are base seats that an earlier settlement punished for silence.
    """

    granted: int
    base: int
    mask: int
    price: Wei
    is_filled: bool
    sealed: int
    opened: Mapping[int, Mapping[int, bytes]]
    ended: int = 0


def settle(terms: Terms, batch: Openings) -> Settlement:
    """Decide a round as the service will; `batch.base` is 0 in a base round."""
    result = Settlement()
    result.seats = {seat: Seat() for seat in range(batch.granted) if not batch.ended >> seat & 1}
    silent = _silent_seats(batch)
    for task in positions(batch.mask):
        _decide(terms, batch, task, result)
    decided = batch.mask & ~result.contested
    for number, seat in result.seats.items():
        tasks = (batch.mask if number in silent else decided).bit_count()
        if number in silent:
            whole = bool(batch.sealed >> number & 1)
            seat.burnt = Gwei(tasks * (terms.bond if whole else terms.bond // 4))
        seat.released = Gwei(tasks * terms.bond - seat.burnt)
    result.burn = Wei(result.tied.bit_count() * (batch.price // 10))
    spent = sum(seat.paid for seat in result.seats.values()) + result.burn
    result.refund = Wei(decided.bit_count() * terms.max_seats * batch.price - spent)
    return result


def _silent_seats(batch: Openings) -> set[int]:
    if not batch.is_filled:
        return set()
    return {seat for seat in range(batch.base, batch.granted) if seat not in batch.opened}


def _decide(terms: Terms, batch: Openings, task: int, result: Settlement) -> None:
    single = terms.seats == 1  # paid by accept alone
    voices = {} if single else {seat: opened[task] for seat, opened in batch.opened.items()}
    counts = Counter(value for value in voices.values() if value != FAILED)
    failures = sum(value == FAILED for value in voices.values())
    best, agreeing = counts.most_common(1)[0] if counts else (b"", 0)
    stands = batch.is_filled and agreeing >= 2 and 2 * agreeing > batch.granted
    fails = batch.is_filled and 2 * failures > batch.granted
    bit = 1 << task
    grows = terms.can_grow and batch.base == 0
    if grows and (len(counts) > 1 or (counts and not stands and not fails)):
        result.contested |= bit
    elif fails:
        result.failed |= bit
        _each(result, voices, FAILED, paid=batch.price // 50)
    elif stands:
        result.paid |= bit
        result.values[task] = best
        _each(result, voices, best, paid=batch.price)
        _each(result, voices, FAILED, burnt=terms.bond // 4)
        if agreeing >= 3 and not terms.is_named:
            _others(result, voices, best, terms.bond)
    else:
        _each(result, voices, FAILED, burnt=terms.bond // 4)
        if len(counts) > 1:
            result.tied |= bit
            _others(result, voices, FAILED, contest_fee(terms, batch.price))


def contest_fee(terms: Terms, price: Wei) -> int:
    """Return what a seat that opened a value loses on a tie, in gwei."""
    if terms.token:
        return terms.bond // 10
    return min(price // 10 // GWEI, terms.bond)


def _each(
    result: Settlement, voices: Mapping[int, bytes], value: bytes, paid: int = 0, burnt: int = 0
) -> None:
    for seat, opened in voices.items():
        if opened == value:
            result.seats[seat].paid = Wei(result.seats[seat].paid + paid)
            result.seats[seat].burnt = Gwei(result.seats[seat].burnt + burnt)


def _others(result: Settlement, voices: Mapping[int, bytes], value: bytes, burnt: int) -> None:
    """Burn from the seats that opened a value other than `value`."""
    for seat, opened in voices.items():
        if opened not in (value, FAILED):
            result.seats[seat].burnt = Gwei(result.seats[seat].burnt + burnt)
