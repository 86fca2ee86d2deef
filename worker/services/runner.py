"""Runs the tasks of claimed batches; every record is on disk before anybody hears of it."""

import asyncio
import os
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, Field

from worker import metrics
from worker.errors import ExecutionFailedError, InvalidProgramError, StoreFullError
from worker.executors.base import Executor
from worker.protocol.record import FAILED
from worker.protocol.results import TaskResult
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk
from worker.services.preparer import PrepareService
from worker.services.rounds import tasks_of
from worker.storage.blobs import BlobStore
from worker.storage.seats import Seat, SeatKey, SeatState, TaskRecord
from worker.types import JobKey, TaskIndex, Timestamp
from worker.work.execute import execute_task
from worker.work.prepare import PreparedBatch

log = structlog.get_logger(__name__)

_RUNNABLE = (SeatState.CLAIMED, SeatState.CANDIDATE, SeatState.RUNNING)

TaskKey = tuple[JobKey, TaskIndex]


class RunConfig(BaseModel):
    """How tasks are run here, and how long outputs are served after a job's expiry, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parallel: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    task_seconds: float = Field(default=3600.0, gt=0)
    """A task that runs longer is killed, and the seat opens FAILED for it."""

    serve_seconds: int = Field(default=7 * 86_400, ge=0)


class Runner(Service):
    """Keeps `parallel` tasks running, those of the earliest deadline first."""

    name = "runner"

    def __init__(
        self,
        desk: Desk,
        preparer: PrepareService,
        executor: Executor,
        blobs: BlobStore,
        scratch: Path,
        config: RunConfig,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self._desk = desk
        self._preparer = preparer
        self._executor = executor
        self._blobs = blobs
        self._scratch = scratch
        self._config = config
        self._running: dict[TaskKey, asyncio.Task[TaskRecord]] = {}

    async def tick(self) -> bool:
        """Store what finished, start what fits, bring complete batches forward."""
        self._reap()
        for seat in self._desk.seats.in_states(*_RUNNABLE):
            self._advance(seat)
            if len(self._running) >= self._config.parallel:
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
            record = task.result()
            self._desk.seats.add_record(job, record)
            metrics.run_seconds.observe(record.seconds)
            self.step("record_stored")

    def _advance(self, seat: Seat) -> None:
        terms = self._desk.terms(seat.key)
        if self._desk.chain.now >= terms.clock(seat.opened_at).run_until:
            late = SeatState.VOID if seat.claims_late else SeatState.MISSED
            self._desk.seats.move(seat.key, late, "run window over")
            return
        tasks = tasks_of(terms, seat.key.batch, seat.mask)
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

    def _start(self, seat: Seat, batch: PreparedBatch, left: list[TaskIndex]) -> None:
        if seat.state is not SeatState.RUNNING:
            self._desk.seats.move(seat.key, SeatState.RUNNING)
        for index in left:
            key = (seat.key.job, index)
            if len(self._running) >= self._config.parallel:
                return
            if key not in self._running:
                task = asyncio.create_task(self._run(seat.key, batch, index))
                task.add_done_callback(lambda _: self.wake())
                self._running[key] = task

    async def _run(self, key: SeatKey, batch: PreparedBatch, index: TaskIndex) -> TaskRecord:
        """Return a task's record: FAILED where the host, not the program, ended the run."""
        prepared = next(task for task in batch.tasks if task.index == index)
        keep_until = Timestamp(self._desk.terms(key).expiry + self._config.serve_seconds)
        try:
            result = await execute_task(
                batch.job,
                prepared,
                self._executor,
                self._blobs,
                scratch=self._scratch,
                seconds=self._config.task_seconds,
                keep_until=keep_until,
            )
        except (ExecutionFailedError, InvalidProgramError, StoreFullError) as error:
            log.warning("run failed", seat=key.name, task=index, error=str(error))
            return TaskRecord(index, key.batch, FAILED, None, None, 0, 0.0)
        record = result.record
        return TaskRecord(
            task=index,
            batch=key.batch,
            digest=record.digest(),
            document=TaskResult.of(record, result.bundle).encode(),
            bundle=result.bundle,
            fuel=record.fuel,
            seconds=result.seconds,
        )
