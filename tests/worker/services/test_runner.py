"""Tasks of a seat: run once, stored before anybody hears of them, again where the host fails."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.worker.services.service_actors import (
    BATCH,
    JOB,
    open_desk,
    posted,
    running,
    seat,
    word,
)
from worker.errors import ExecutionFailedError
from worker.services.desk import Desk
from worker.services.runner import Runner
from worker.storage.seats import SeatState, TaskRecord
from worker.types import TaskIndex, Timestamp

FILLED = running(word(sealed=0))
OPEN = running(word(operators=(), sealed=0))


class Work:
    """Runs a task as a test says: with a record, or with a failure of the host."""

    parallel = 1

    def __init__(self, *failures: int) -> None:
        self.failures = list(failures)
        self.ran: list[int] = []

    async def run(self, _: Any, number: Any, task: TaskIndex, keep_until: Timestamp) -> TaskRecord:
        self.ran.append(task)
        if task in self.failures:
            self.failures.remove(task)
            raise ExecutionFailedError("device", "lost")
        assert keep_until == 100_007
        return TaskRecord(task, number, b"d" * 32, b"{}", None, 5, 0.1)


class Ground:
    """A runner over one seat of ours with two tasks."""

    def __init__(self, folder: Path, work: Work, round_: Any = FILLED, **changes: Any) -> None:
        self.desk: Desk[Any] = open_desk(folder)
        self.desk.jobs.add_job(posted())
        self.desk.seats.add(seat(**{"state": SeatState.CLAIMED, **changes}))
        self.desk.batches._confirmed[JOB, BATCH] = round_
        preparer: Any = SimpleNamespace(batch=lambda *_: object(), drop=lambda *_: None)
        self.steps: list[str] = []
        self.runner = Runner(self.desk, preparer, work, 7, self.steps.append)

    async def tick(self, later: int = 0) -> SeatState:
        """Let what runs end, then tick `later` seconds of chain time on."""
        await asyncio.gather(*self.runner._running.values(), return_exceptions=True)
        assert self.desk.chain.head is not None
        now = Timestamp(self.desk.chain.now + later)
        self.desk.chain.head = replace(self.desk.chain.head, timestamp=now)
        await self.runner.tick()
        stored = self.desk.seats.get(seat().key)
        assert stored is not None
        return stored.state


async def test_tick__two_tasks__run_one_by_one_then_ran(tmp_path: Path) -> None:
    work = Work()
    ground = Ground(tmp_path, work)
    states = [await ground.tick() for _ in range(3)]
    assert states == [SeatState.RUNNING, SeatState.RUNNING, SeatState.RAN]
    assert work.ran == [0, 1]
    assert ground.steps == ["runner.record_stored"] * 2 + ["runner.batch_ran"]


async def test_tick__host_fails__tried_again_after_a_pause(tmp_path: Path) -> None:
    work = Work(0)
    ground = Ground(tmp_path, work, mask=1)
    assert [await ground.tick(), await ground.tick(4)] == [SeatState.RUNNING] * 2
    assert work.ran == [0]
    assert [await ground.tick(5), await ground.tick()] == [SeatState.RUNNING, SeatState.RAN]
    assert work.ran == [0, 0]


@pytest.mark.parametrize(
    ("round_", "changes", "later", "state"),
    [
        (FILLED, {}, 79, SeatState.RUNNING),
        (FILLED, {}, 80, SeatState.MISSED),  # the run window ends at 1090
        (OPEN, {"state": SeatState.CANDIDATE, "claims_late": True}, 19, SeatState.RUNNING),
        (OPEN, {"state": SeatState.CANDIDATE, "claims_late": True}, 20, SeatState.VOID),
        (FILLED, {"state": SeatState.CANDIDATE, "claims_late": True}, 0, SeatState.VOID),
    ],
)
async def test_tick__window__over_or_not(
    tmp_path: Path, round_: Any, changes: dict[str, Any], later: int, state: SeatState
) -> None:
    work = Work()
    ground = Ground(tmp_path, work, round_, **changes)
    assert await ground.tick(later) is state
    await ground.runner.close()
