"""Jobs are judged and made ready in the background, while their lane takes work."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import BATCH, JOB, open_desk, posted
from worker.errors import FetchError, InvalidManifestError
from worker.health import Health, Reason
from worker.services.desk import Desk
from worker.services.policy import PolicyConfig
from worker.services.preparer import PrepareService
from worker.storage.jobs import JobState
from worker.types import JobKey, Timestamp


class Preparing:
    """Prepares at once, or fails as a test says."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[Any] = []

    async def prepare_job(self, source: Any, keep_until: Timestamp) -> str:
        self.asked.append(("job", keep_until))
        if self.error:
            raise self.error
        return "job"

    async def prepare_batch(self, job: str, first: int, count: int, keep_until: Timestamp) -> str:
        self.asked.append((job, first, count))
        return f"batch of {job}"


async def _nowhere(_: Any) -> tuple[str, ...]:
    return ()


class Ground:
    """A service over one posted job."""

    def __init__(self, folder: Path, error: Exception | None = None) -> None:
        self.desk: Desk[Any] = open_desk(folder)
        self.desk.jobs.add_job(posted())
        self.health = Health()
        self.health.report(Reason.STARTING, False)
        self.made = Preparing(error)
        made: Any = self.made
        parts = (PolicyConfig(), self.health, _nowhere, 7)
        self.service: PrepareService[Any, Any] = PrepareService(self.desk, made, *parts)

    async def tick(self) -> JobState:
        """Tick, let what began end, tick again; return the job's state."""
        await self.service.tick()
        await asyncio.gather(*self.service._busy.values())
        await self.service.tick()
        state = self.desk.jobs.state(JOB)
        assert state is not None
        return state

    async def want(self) -> JobState:
        """Ask for the job's first batch, and tick."""
        assert self.service.batch(posted(), BATCH) is None
        return await self.tick()


async def test_tick__a_posting__judged_and_nothing_fetched(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    assert await ground.tick() is JobState.READY
    assert ground.made.asked == []


async def test_batch__wanted__fetched_and_kept_while_it_is_served(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    assert await ground.want() is JobState.READY
    assert ground.service.batch(posted(), BATCH) == "batch of job"
    assert ground.made.asked[0] == ("job", 100_007)


async def test_batch__wanted_until_the_job_is_over__given_up(tmp_path: Path) -> None:
    ground = Ground(tmp_path, FetchError("nowhere"))
    await ground.want()
    head = ground.desk.chain.head
    assert head is not None
    ground.desk.chain.head = replace(head, timestamp=posted().ends_at)
    asked = len(ground.made.asked)
    await ground.tick()
    assert ground.service._wanted == {} and len(ground.made.asked) == asked


async def test_tick__more_postings_than_at_once__all_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.services.preparer._JUDGED_AT_ONCE", 2)
    ground = Ground(tmp_path)
    for number in range(4):
        ground.desk.jobs.add_job(replace(posted(), job=JobKey(bytes([number]) * 32)))
    assert [await ground.service.tick() for _ in range(3)] == [True, True, False]
    assert ground.desk.new_jobs(9) == []


async def test_tick__lane_takes_no_work__left_unjudged(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.health.use("ReplicatedJobs", False)
    assert await ground.tick() is JobState.SEEN
    assert ground.made.asked == []


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (InvalidManifestError("manifest: bad"), JobState.REFUSED, "unusable"),
        (FetchError("nowhere"), JobState.READY, "unavailable"),
    ],
)
async def test_batch__cannot_be_made_ready__refused_or_later(
    tmp_path: Path, error: Exception, state: JobState, reason: str
) -> None:
    ground = Ground(tmp_path, error)
    assert await ground.want() is state
    assert [one.reason for one in ground.desk.jobs.refusals()] == [reason]


async def test_obtain__a_job_that_is_over__made_ready_without_being_wanted(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.desk.jobs.set_state(JOB, JobState.REFUSED)
    found = await asyncio.gather(*(ground.service.obtain(posted(), BATCH) for _ in range(3)))
    assert found == ["batch of job"] * 3
    assert ground.made.asked.count(("job", 100_007)) == 1
    ground.made.error = FetchError("nowhere")
    assert await ground.service.obtain_job(posted()) == "job"
