"""Cases and demands on disk: what is kept, what is found, what a reorganisation takes back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.protocol.demands import Bond, Demand, Expected, Kind, Place, Seat
from worker.storage.challenges import Case, CaseKey, CaseState, CaseStore
from worker.storage.database import Database
from worker.storage.demands import Demanded, DemandStore
from worker.storage.jobs import JobLog, JobStore, PostedJob
from worker.types import (
    Address,
    BatchIndex,
    Digest,
    JobKey,
    OperatorId,
    TaskIndex,
    Timestamp,
    Wei,
)

JOB, OTHER = JobKey(b"j" * 32), JobKey(b"o" * 32)
KEY = CaseKey(JOB, BatchIndex(0), 0, OperatorId(7))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "worker.sqlite")
    yield database
    database.close()


def _post(database: Database, key: JobKey, service: str, ends_at: int = 1_000) -> None:
    JobStore(database).add_job(
        PostedJob(
            job=key,
            service=service,
            block=1,
            payer=Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
            a=1,
            b=2,
            named=bytes(32),
            nonce=3,
            program=Digest(b"p" * 32),
            inputs=b"i" * 32,
            manifest=Digest(b"m" * 32),
            locators=b"",
            ends_at=Timestamp(ends_at),
        )
    )


def _open(database: Database, job: JobKey, block: int, operator: int = 7) -> None:
    args = {"job": job, "batch": 0, "round": 0, "operator": operator, "values": [b"v" * 32]}
    JobStore(database).add_logs([JobLog(block, operator, "ResultRevealed", job, args)])


def test_unchecked__openings_of_the_service__until_there_is_a_case(database: Database) -> None:
    _post(database, JOB, "ProvableJobs")
    _post(database, OTHER, "ReplicatedJobs")
    for job in (JOB, OTHER):
        _open(database, job, block=5)
    _open(database, JOB, block=6, operator=8)
    store = CaseStore(database)

    found = store.unchecked("ProvableJobs", 5, Timestamp(10))
    assert [(log.job, log.operator) for log in found] == [(JOB, 7)]
    assert found[0].args["values"] == [b"v" * 32]
    assert store.unchecked("ProvableJobs", 5, Timestamp(1_000)) == []

    store.add(Case(KEY, CaseState.RIGHT))
    assert [log.operator for log in store.unchecked("ProvableJobs", 6, Timestamp(10))] == [8]


def test_add__twice__keeps_the_first(database: Database) -> None:
    _post(database, JOB, "ProvableJobs")
    store = CaseStore(database)
    store.add(Case(KEY, CaseState.SUSPECT, TaskIndex(3)))
    store.add(Case(KEY, CaseState.RIGHT))
    assert store.get(KEY) == Case(KEY, CaseState.SUSPECT, TaskIndex(3))


def test_case__whole_life__is_kept(database: Database) -> None:
    _post(database, JOB, "ProvableJobs")
    store = CaseStore(database)
    store.add(Case(KEY, CaseState.SUSPECT, TaskIndex(3)))
    store.retry(KEY, 50, "no tokens")
    store.prove(KEY, b"proof", 2, "op 7 MATMUL [3,41]")
    store.move(KEY, CaseState.CONVICTED)

    assert store.count() == {CaseState.CONVICTED: 1}
    (case,) = store.in_states(CaseState.CONVICTED)
    assert (case.task, case.proof, case.segment, case.tries, case.retry_at) == (
        3, b"proof", 2, 1, 50,
    )  # fmt: skip
    assert case.fault == "op 7 MATMUL [3,41]"
    assert store.in_states(CaseState.SUSPECT, CaseState.PROVEN) == []


def _demanded(id: bytes, block: int, operator: int = 7, due: int = 100) -> Demanded:
    demand = Demand(
        Seat(0, 0, operator, 3),
        Place(Kind.LINE, 4, 5, 6),
        Expected(b"\xff" * 32, 1 << 90, 16_400),
        Bond(due, Wei(10**20), 250),
    )
    return Demanded(id, block, JOB, demand)


def test_demands__as_logged__come_back_whole(database: Database) -> None:
    store, demanded = DemandStore(database), _demanded(b"1" * 32, 5)
    store.add(demanded)
    assert store.get(b"1" * 32) == demanded
    found = store.get(b"1" * 32)
    assert found is not None
    assert found.demand.record == demanded.demand.record
    assert store.get(b"2" * 32) is None


def test_open_on__several__the_earliest_due_first_without_those_over(database: Database) -> None:
    store = DemandStore(database)
    for number, due in enumerate((30, 10, 20)):
        store.add(_demanded(bytes([number]) * 32, 5, due=due))
    store.add(_demanded(b"x" * 32, 5, operator=9))
    store.end(b"\2" * 32, 6, b"answer")
    store.end(b"\0" * 32, 6, None)

    assert [one.id for one in store.open_on(OperatorId(7))] == [b"\1" * 32]
    told = store.of_task(JOB, 0, 0, OperatorId(7), TaskIndex(3))
    assert {(one.is_over, one.data) for one in told} == {
        (False, None), (True, b"answer"), (True, None),
    }  # fmt: skip


def test_undo_above__reorganisation__takes_demands_and_answers_back(database: Database) -> None:
    store = DemandStore(database)
    store.add(_demanded(b"1" * 32, 5))
    store.end(b"1" * 32, 7, b"answer")
    store.undo_above(6)
    assert store.get(b"1" * 32) == _demanded(b"1" * 32, 5)
    store.undo_above(4)
    assert store.get(b"1" * 32) is None
