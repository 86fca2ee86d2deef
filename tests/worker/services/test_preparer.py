"""Jobs are judged and made ready in the background, while their lane takes work."""

import asyncio
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
from worker.types import Timestamp


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

    async def tick(self) -> list[JobState]:
        """Tick, let what began end, tick again; return the states the job is found in."""
        await self.service.tick()
        await asyncio.gather(*self.service._busy.values())
        await self.service.tick()
        return [state for state in JobState if self.desk.open_jobs(state)]


async def test_tick__a_posting__ready_and_kept_while_it_is_served(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    assert await ground.tick() == [JobState.READY]
    assert ground.made.asked == [("job", 100_007)]
    assert ground.service.batch(posted(), BATCH) is None
    await ground.tick()
    assert ground.service.batch(posted(), BATCH) == "batch of job"


async def test_tick__lane_takes_no_work__left_unjudged(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.health.use("ReplicatedJobs", False)
    assert await ground.tick() == [JobState.SEEN]
    assert ground.made.asked == []


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (InvalidManifestError("manifest: bad"), JobState.REFUSED, "unusable"),
        (FetchError("nowhere"), JobState.SEEN, "unavailable"),
    ],
)
async def test_tick__cannot_be_made_ready__refused_or_later(
    tmp_path: Path, error: Exception, state: JobState, reason: str
) -> None:
    ground = Ground(tmp_path, error)
    assert await ground.tick() == [state]
    assert [one.reason for one in ground.desk.jobs.refusals()] == [reason]


async def test_obtain__a_job_that_is_over__made_ready_without_being_wanted(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.desk.jobs.set_state(JOB, JobState.REFUSED)
    found = await asyncio.gather(*(ground.service.obtain(posted(), BATCH) for _ in range(3)))
    assert found == ["batch of job"] * 3
    assert ground.made.asked.count(("job", 100_007)) == 1
    ground.made.error = FetchError("nowhere")
    assert await ground.service.obtain_job(posted()) == "job"
