"""Watches over the worker itself: is it fit for new work, and has a drain come to its end."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worker import metrics
from worker.chain.endpoints import RpcPool
from worker.chain.refusals import Trouble
from worker.health import Health, Reason
from worker.protocol.outbox import LIVE, TxState
from worker.services.base import Service
from worker.services.desk import Desk
from worker.services.load import has_opted_in, key_trouble
from worker.services.sending import Sending
from worker.services.watcher import Watcher
from worker.storage.seats import IN_FLIGHT, SeatState

_BOND_SECONDS = 60.0
_UNCLAIMED = (SeatState.CANDIDATE, SeatState.RUNNING, SeatState.RAN)


class Caretaker(Service):
    """Reports health every second; during a drain sets `stop` when nothing is left to do."""

    name = "caretaker"
    period = 1.0

    def __init__(
        self,
        desks: Sequence[Desk[Any]],
        pool: RpcPool,
        health: Health,
        watcher: Watcher,
        sending: Sending,
        disk: Path,
        min_free_bytes: int,
        min_balance: int,
        stale_seconds: float,
        stop: asyncio.Event,
    ) -> None:
        super().__init__()
        self.is_draining = False
        self._desks = desks
        self._desk = desks[0]
        self._pool = pool
        self._health = health
        self._watcher = watcher
        self._sending = sending
        self._disk = disk
        self._min_free_bytes = min_free_bytes
        self._min_balance = min_balance
        self._stale_seconds = stale_seconds
        self._stop = stop
        self._bond_asked_at = time.monotonic()  # `open_ground` has just asked

    def drain(self) -> None:
        """Claim nothing more; end when every seat is settled."""
        self.is_draining = True
        self._health.report(Reason.DRAINING, True, "finishing what was claimed")
        self.wake()

    async def tick(self) -> bool:
        """Look at everything once."""
        self._report_chain()
        await self._report_bond()
        free = shutil.disk_usage(self._disk).free
        self._health.report(Reason.DISK_LOW, free < self._min_free_bytes, f"{free} bytes free")
        self._show()
        if self.is_draining:
            self._finish_drain()
        return False

    def _show(self) -> None:
        """Set the gauges."""
        metrics.ready.set(self._health.is_ready)
        reasons = self._health.reasons
        for reason in Reason:
            metrics.not_ready_reason.labels(reason).set(reason in reasons)
        held = self._desk.seats.count()
        for state in SeatState:
            metrics.batches.labels(state).set(held.get(state, 0))
        for number, endpoint in enumerate(self._pool.status()):
            metrics.endpoint_usable.labels(number).set(endpoint.is_usable)
            metrics.endpoint_lag_blocks.labels(number).set(endpoint.lag)
            for trouble in Trouble:
                failures = endpoint.failures.get(trouble, 0)
                metrics.endpoint_failures.labels(number, trouble).set(failures)

    async def _report_bond(self) -> None:
        """Ask now and then: the owner may name another key, or leave."""
        now = time.monotonic()
        if self._watcher.trouble is None and now >= self._bond_asked_at + _BOND_SECONDS:
            trouble = await look_at_bond(self._desks, self._health)
            self._health.report(Reason.UNBONDED, trouble is not None, trouble or "")
            self._bond_asked_at = now

    def _report_chain(self) -> None:
        age = self._pool.head_age
        metrics.head_age_seconds.set(age)
        self._health.report(
            Reason.STALE_HEAD, age > self._stale_seconds, f"no new block for {age:.0f} s"
        )
        self._health.report(Reason.RPC_UNAVAILABLE, self._watcher.trouble is not None)
        self._health.report(Reason.BACKFILLING, not self._watcher.is_caught_up)
        status = self._sending.status
        if status is not None:
            lacking = Reason.GAS_MONEY in status.reasons
            poor = lacking or status.balance < self._min_balance
            self._health.report(Reason.GAS_MONEY, poor, f"{status.balance} wei left")
            self._health.report(Reason.STARTING, False)

    def _finish_drain(self) -> None:
        for seat in self._desk.seats.in_states(*_UNCLAIMED):
            if seat.claims_late:
                self._desk.seats.move(seat.key, SeatState.VOID, "draining")
        busy = self._desk.seats.in_states(*IN_FLIGHT)
        waiting = self._desk.outbox.entries(TxState.QUEUED, *LIVE)
        if not busy and not waiting:
            self._stop.set()


async def look_at_bond(desks: Sequence[Desk[Any]], health: Health) -> str | None:
    """Note which services the operator has opted in to; return why this key can work for none."""
    if trouble := await key_trouble(desks[0]):
        return trouble
    used = {desk.lane.service: await has_opted_in(desk) for desk in desks}
    for service, is_used in used.items():
        health.use(service, is_used)
    if any(used.values()):
        return None
    operator = desks[0].identity.operator
    return f"operator {operator} has not opted in to any jobs service: `proofmesh node stake`"
