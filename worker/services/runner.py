"""Runs the tasks of claimed batches; every record is on disk before anybody hears of it."""

import asyncio
import os
from typing import Any, Generic, Protocol, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field

from worker import metrics
from worker.errors import ExecutionFailedError
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk
from worker.services.lane import is_open_to
from worker.services.preparer import PrepareService, Ready
from worker.services.terms import tasks_of
from worker.storage.seats import Seat, SeatKey, SeatState, TaskRecord
from worker.types import BatchIndex, JobKey, TaskIndex, Timestamp

log = structlog.get_logger(__name__)

_RUNNABLE = (SeatState.CLAIMED, SeatState.CANDIDATE, SeatState.RUNNING)
_RETRY_SECONDS = 5

Given = TypeVar("Given", contravariant=True)
TaskKey = tuple[JobKey, TaskIndex]


class RunConfig(BaseModel):
    """How tasks are run here, and how long outputs are served after a job's expiry, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parallel: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    task_seconds: float = Field(default=3600.0, gt=0)
    """A task that runs longer is killed, and the seat opens FAILED for it."""

    serve_seconds: int = Field(default=7 * 86_400, ge=0)


class Work(Protocol[Given]):
    """Runs the tasks of one kind of job."""

    parallel: int
    """How many tasks run at once."""

    async def run(
        self, batch: Given, number: BatchIndex, task: TaskIndex, keep_until: Timestamp
    ) -> TaskRecord:
        """Return a task's record, its outputs stored and kept until then.

        Raises ExecutionFailedError when this host could not run it now and may later.
        """


class Runner(Service, Generic[Ready]):
    """Keeps as many tasks running as its work allows, those of the earliest deadline first."""

    name = "runner"

    def __init__(
        self,
        desk: Desk[Any],
        preparer: PrepareService[Any, Ready],
        work: Work[Ready],
        serve_seconds: int,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self.name = desk.lane.prefix + self.name
        self._desk = desk
        self._preparer = preparer
        self._work = work
        self._serve_seconds = serve_seconds
        self._running: dict[TaskKey, asyncio.Task[TaskRecord]] = {}
        self._retry_at: dict[TaskKey, int] = {}

    async def tick(self) -> bool:
        """Store what finished, start what fits, bring complete batches forward."""
        self._reap()
        seats = self._desk.held(*_RUNNABLE)
        await self._desk.learn(seats)
        for seat in seats:
            if not await self._is_over(seat):
                self._advance(seat)
            if len(self._running) >= self._work.parallel:
                break  # those behind have not begun
        return False

    async def close(self) -> None:
        """Kill what runs: it starts again from its inputs."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _reap(self) -> None:
        for (job, index), task in list(self._running.items()):
            if not task.done():
                continue
            del self._running[job, index]
            try:
                record = task.result()
            except ExecutionFailedError as error:
                self._retry_at[job, index] = self._desk.chain.now + _RETRY_SECONDS
                log.error("run failed, tried again", job=job, task=index, error=str(error))
                continue
            self._desk.seats.add_record(job, record)
            metrics.run_seconds.observe(record.seconds)
            self.step("record_stored")

    async def _is_over(self, seat: Seat) -> bool:
        """Whether it is too late for this seat; then it is noted."""
        round_, now = await self._desk.confirmed(seat), self._desk.chain.now
        if seat.claims_late:
            if is_open_to(seat, round_, now):
                return False
            self._desk.seats.move(seat.key, SeatState.VOID, "no seat left")
            return True
        until = round_.seal_until(self._desk.identity.operator, now)
        if until is None or now < until or round_.number != seat.key.round:
            return False  # to be settled elsewhere, if it is not in time
        self._desk.seats.move(seat.key, SeatState.MISSED, "run window over")
        return True

    def _advance(self, seat: Seat) -> None:
        tasks = tasks_of(self._desk.terms(seat.key), seat.key.batch, seat.mask)
        done = {record.task for record in self._desk.seats.records(seat.key.job, tasks)}
        left = [task for task in tasks if task not in done]
        if not left:
            self._finish(seat)
            return
        batch = self._preparer.batch(self._desk.job(seat.key), seat.key.batch)
        if batch is not None:
            self._start(seat, batch, left)

    def _finish(self, seat: Seat) -> None:
        self._preparer.drop(seat.key.job, seat.key.batch)
        self._desk.seats.move(seat.key, SeatState.RAN)
        self.step("batch_ran")
        self.news()

    def _start(self, seat: Seat, batch: Ready, left: list[TaskIndex]) -> None:
        if seat.state is not SeatState.RUNNING:
            self._desk.seats.move(seat.key, SeatState.RUNNING)
        for index in left:
            key = (seat.key.job, index)
            if len(self._running) >= self._work.parallel:
                return
            if key not in self._running and self._retry_at.get(key, 0) <= self._desk.chain.now:
                task = asyncio.create_task(self._run(seat.key, batch, index))
                task.add_done_callback(lambda _: self.wake())
                self._running[key] = task

    async def _run(self, key: SeatKey, batch: Ready, task: TaskIndex) -> TaskRecord:
        keep_until = Timestamp(self._desk.terms(key).expiry + self._serve_seconds)
        return await self._work.run(batch, key.batch, task, keep_until)
