"""How a provable seat ended, as the chain tells it: settled, forfeited or convicted."""

from collections.abc import Sequence

from worker.protocol.words import SeatOutcome, Terms
from worker.storage.jobs import JobLog
from worker.storage.seats import Earning, SeatState
from worker.types import Gwei, OperatorId, Wei

ENDINGS = ("BatchSettled", "SeatForfeited", "OperatorConvicted")
"""The logs that end seats."""

_NOTHING = Wei(0)


def end_of(
    logs: Sequence[JobLog], terms: Terms, operator: OperatorId, number: int
) -> tuple[SeatState, Earning] | None:
    """Return the state and the earning that a seat of round `number` ended with, None before.

    A lost bond ends a seat at once, whatever becomes of its batch.
    """
    for log in logs:
        if log.round != number:
            continue
        earning = _earning(log, terms, operator)
        if earning is not None:
            return (SeatState.LOST if earning.burnt else SeatState.SETTLED), earning
    return None


def _earning(log: JobLog, terms: Terms, operator: OperatorId) -> Earning | None:
    if log.name == "BatchSettled":
        outcomes = map(SeatOutcome.unpack, log.args["seats"])
        mine = next((one for one in outcomes if one.operator == operator), None)
        if mine is None:
            return None
        return Earning(mine.paid, mine.burnt, mine.released, terms.token, log.block)
    if log.operator != operator:
        return None
    if log.name == "OperatorConvicted":
        bond = Gwei(log.args["bond"])
        return Earning(_NOTHING, bond, Gwei(0), terms.token, log.block)
    burnt, released = Gwei(log.args["burnt"]), Gwei(log.args["released"])
    return Earning(_NOTHING, burnt, released, terms.token, log.block)
