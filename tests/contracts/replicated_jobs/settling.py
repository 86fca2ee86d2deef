"""What tests of outcomes share: results, what a seat gets, and a way to play whole rounds."""

from tests.contracts.jobs_world import TOKEN, digests
from worker.protocol.record import FAILED
from worker.protocol.words import GWEI, OnDissent, SeatOutcome

A, B, C, F = digests("a"), digests("b"), digests("c"), [FAILED] * 2
PRICE, BOND = TOKEN // 10, TOKEN // 5 // GWEI
FEE = PRICE // 10 // GWEI  # what a seat loses per contested task
FULL = 0b11
SETTLE = {"on_dissent": OnDissent.SETTLE}
CUT = 9_750  # of 10,000, what the fee leaves


def seats_of(settled) -> list[tuple[int, int, int]]:
    """Return (paid, burnt, released) of each seat, per task of two."""
    seats = [SeatOutcome.unpack(word) for word in settled.seats]
    return [(seat.paid / 2, seat.burnt / 2, seat.released / 2) for seat in seats]


def masks_of(settled) -> tuple[int, int, int, int]:
    return settled.paid_mask, settled.failed_mask, settled.tied_mask, settled.contested_mask


def play(world, job, *rounds):
    """Play rounds of results by seat, each with operators of its own; return the last event."""
    settled, index = None, 0
    for results in rounds:
        world.play(job, {index + seat: found for seat, found in enumerate(results)})
        index += len(results)
        settled = world.settle(job)
    return settled


PAID, BACK, BURNT = (PRICE, 0, BOND), (0, 0, BOND), (0, BOND, 0)
QUARTER, TIED = (0, BOND // 4, BOND - BOND // 4), (0, FEE, BOND - FEE)
ABORTED = (PRICE // 50, 0, BOND)
