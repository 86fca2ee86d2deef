"""How a seat ends: its earning and its last state in one durable step, told once."""

from typing import Any

import structlog

from worker import metrics
from worker.services.desk import Desk
from worker.storage.seats import Earning, Seat, SeatState

log = structlog.get_logger(__name__)


def book_end(desk: Desk[Any], seat: Seat, state: SeatState, earning: Earning) -> None:
    """Store that the seat ended in `state` with `earning`; what was known of its batch goes."""
    with desk.outbox.transaction():
        desk.seats.add_earning(seat.key, earning)
        desk.seats.move(seat.key, state)
    metrics.batches_total.labels(state).inc()
    metrics.earned_wei_total.inc(earning.paid)
    metrics.burnt_gwei_total.inc(earning.burnt)
    desk.batches.forget(seat.key.job, seat.key.batch)
    log.info("batch ended", seat=seat.key.name, state=state, paid=earning.paid)
