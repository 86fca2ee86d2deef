"""Seats and records: what is stored stays, and a failed transaction gets a new name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import BATCH, JOB, open_desk, posted, seat
from worker.protocol.outbox import TxState
from worker.services.desk import Desk, Verb, purpose
from worker.services.rounds import SERVICE
from worker.storage.jobs import JobState
from worker.storage.seats import Pace, SeatKey, SeatState, TaskRecord
from worker.types import Digest, Gwei, JobKey, TaskIndex


def _record(digest: bytes, fuel: int = 100) -> TaskRecord:
    return TaskRecord(TaskIndex(0), BATCH, digest, b"{}", Digest(b"b" * 32), fuel, 0.5)


def test_add_record__twice__the_first_stays(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    seats = desk.seats
    seats.add_record(JOB, _record(b"1" * 32))
    seats.add_record(JOB, _record(b"2" * 32))
    assert [one.digest for one in seats.records(JOB, [TaskIndex(0)])] == [b"1" * 32]
    assert seats.pace("ProvableJobs") == Pace()
    assert seats.task_seconds(JOB) == 0.5


def test_pace__tasks_that_hardly_ran__say_nothing_about_speed(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    small = replace(_record(b"1" * 32, fuel=100), seconds=3.0, overhead=2.5)
    large = replace(small, task=TaskIndex(1), fuel=1_000, seconds=6.0, overhead=0.5)
    desk.seats.add_record(JOB, small)
    assert desk.seats.pace(SERVICE) == Pace(fuel=100, seconds=0.5, overhead=2.5)
    desk.seats.add_record(JOB, large)

    assert desk.seats.pace(SERVICE) == Pace(fuel=1_100, seconds=6, overhead=1.5)
    assert desk.seats.records(JOB, [TaskIndex(0), TaskIndex(1)]) == [small, large]


@pytest.mark.parametrize(
    ("pace", "speed"),
    [
        (Pace(), 1e9),
        (Pace(fuel=10**6, seconds=0.25), (1e9 + 1e6) / 1.25),  # hardly ran: as is assumed
        (Pace(fuel=10**10, seconds=999), 1.1e7),  # ran long: as was measured, nearly
    ],
)
def test_speed__what_is_assumed__counts_as_a_second(pace: Pace, speed: float) -> None:
    assert pace.speed(1e9) == speed


def test_retry__failed_transaction__has_another_purpose(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    desk.seats.add(seat(SeatState.SEALING))
    before = purpose(Verb.SEAL, seat(SeatState.SEALING))
    desk.seats.retry(seat().key, SeatState.RAN, "reverted")
    stored = desk.seats.get(seat().key)
    assert stored is not None
    assert (stored.state, stored.reason) == (SeatState.RAN, "reverted")
    assert purpose(Verb.SEAL, stored) != before


def test_locked__counts_seats_in_flight_and_late_claims_apart(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    desk.seats.add(seat(SeatState.RAN, claims_late=True))
    assert desk.seats.locked() == desk.seats.unlocked_yet() == Gwei(2 * 10**9)
    desk.seats.move(seat().key, SeatState.SEALED)
    assert (desk.seats.locked(), desk.seats.unlocked_yet()) == (2 * 10**9, 0)
    desk.seats.move(seat().key, SeatState.SETTLED)
    assert desk.seats.locked() == 0


def test_in_service__two_lanes__each_has_its_own(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    other = JobKey(b"o" * 32)
    desk.jobs.add_job(posted())
    desk.jobs.add_job(replace(posted(), job=other, service="ProvableJobs"))
    desk.seats.add(seat(SeatState.SEALED))
    desk.seats.add(seat(SeatState.SEALED, key=SeatKey(other, BATCH, 0)))
    for service, job in ((SERVICE, JOB), ("ProvableJobs", other)):
        (mine,) = desk.seats.in_service(service, SeatState.SEALED)
        assert mine.key.job == job
        assert desk.seats.in_service(service, SeatState.RAN) == []
        assert desk.seats.count_in(service) == {"sealed": 1}
    assert [one.key.job for one in desk.held(SeatState.SEALED)] == [JOB]
    assert len(desk.seats.in_states(SeatState.SEALED)) == 2


def test_total_fees__nothing_mined__none(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    assert desk.outbox.total_fees() == 0
    assert desk.outbox.entries(TxState.MINED) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda desk: desk.seats.count_in(SERVICE),
        lambda desk: desk.seats.in_service(SERVICE, SeatState.SEALED),
        lambda desk: desk.seats.pace(SERVICE),
        lambda desk: desk.jobs.ready_with(SERVICE, ["RoundOpened"], 4, 5),
    ],
    ids=["count_in", "in_service", "pace", "ready_with"],
)
def test_query__ever_more_open_jobs__takes_no_longer(
    tmp_path: Path, ask: Callable[[Desk[Any]], object]
) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    desk.seats.add(seat(SeatState.SEALED))
    desk.seats.add_record(JOB, _record(b"1" * 32))
    few = _steps(desk, ask)
    for number in range(200):
        job = JobKey(number.to_bytes(32, "big"))
        desk.jobs.add_job(replace(posted(), job=job))
        desk.jobs.set_state(job, JobState.READY)
    assert 0 < _steps(desk, ask) < few + 20


def _steps(desk: Desk[Any], ask: Callable[[Desk[Any]], object]) -> int:
    """Return how many steps of its machine the database takes to answer."""
    steps: list[None] = []
    with desk.outbox.transaction() as connection:
        connection.set_progress_handler(lambda: steps.append(None), 1)
        ask(desk)
        connection.set_progress_handler(None, 1)
    return len(steps)
