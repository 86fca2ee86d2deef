"""A claimer looks at what is new or promising, however many jobs are open."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import JOB, job_log, open_desk, posted
from worker.services.desk import Desk
from worker.services.prospects import Prospects
from worker.storage.jobs import JobState, PostedJob
from worker.types import JobKey


def _add(desk: Desk[Any], number: int) -> PostedJob:
    """Store a ready job of its own key."""
    job = replace(posted(), job=JobKey(bytes([number]) * 32))
    desk.jobs.add_job(job)
    desk.jobs.set_state(job.job, JobState.READY)
    return job


@pytest.fixture
def desk(tmp_path: Path) -> Desk[Any]:
    found: Desk[Any] = open_desk(tmp_path)
    found.jobs.add_job(posted())
    found.jobs.set_state(JOB, JobState.READY)
    return found


def test_look__ready_jobs__each_until_set_aside(desk: Desk[Any]) -> None:
    prospects = Prospects(desk)
    assert prospects.look() == prospects.look() == [posted()]
    prospects.set_aside(JOB)
    assert prospects.look() == []
    later = _add(desk, 9)
    assert prospects.look() == [later]
    prospects.bring_back(posted())
    assert prospects.look() == [later, posted()]


def test_look__seats_drawn_anew__comes_back_once(desk: Desk[Any]) -> None:
    prospects = Prospects(desk)
    prospects.look()
    prospects.set_aside(JOB)
    desk.jobs.add_logs([job_log("SeatClaimed", block=9), job_log("RoundOpened", block=9, index=1)])
    assert prospects.look() == []  # not deep enough: two confirmations below the head, 10
    _to_head(desk, 11)
    assert prospects.look() == [posted()]
    prospects.set_aside(JOB)
    _to_head(desk, 12)
    assert prospects.look() == []


def test_look__another_log__stays_aside(desk: Desk[Any]) -> None:
    prospects = Prospects(desk)
    prospects.look()
    prospects.set_aside(JOB)
    desk.jobs.add_logs([job_log("SeatClaimed", block=9)])
    _to_head(desk, 11)
    assert prospects.look() == []


def test_look__reorganisation__everything_anew(desk: Desk[Any]) -> None:
    prospects = Prospects(desk)
    prospects.look()
    prospects.set_aside(JOB)
    desk.chain.rollbacks += 1
    assert prospects.look() == [posted()]
    desk.chain.rollbacks += 1
    desk.jobs.undo_above(0)
    assert prospects.look() == []


def test_look__over__forgotten(desk: Desk[Any]) -> None:
    prospects = Prospects(desk)
    prospects.look()
    assert desk.chain.head is not None
    desk.chain.head = replace(desk.chain.head, timestamp=posted().ends_at)
    assert prospects.look() == []


def _to_head(desk: Desk[Any], number: int) -> None:
    assert desk.chain.head is not None
    desk.chain.head, desk.chain.scanned_to = replace(desk.chain.head, number=number), number
