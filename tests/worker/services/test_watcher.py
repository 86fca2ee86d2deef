"""What a scan leaves behind: rows with the cursor, none of a reorganised block, each once."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.worker.services.service_actors import JOB, PAYER, TERMS, open_desk
from worker import metrics
from worker.chain.contracts import Event
from worker.chain.events import Scan
from worker.chain.wire import Block
from worker.errors import RpcError
from worker.services.watcher import Watcher
from worker.storage.cursor import CursorStore
from worker.storage.database import Database
from worker.types import BatchIndex, Timestamp, Wei


class ScriptedScanner:
    """Gives one prepared scan after the other."""

    def __init__(self, *scans: Scan) -> None:
        self.scans = list(scans)
        self.asked: list[dict[int, bytes]] = []

    async def scan(self, window: Mapping[int, bytes]) -> Scan:
        self.asked.append(dict(window))
        return self.scans.pop(0)


def _head(number: int) -> Block:
    return Block(number, bytes([number] * 32), bytes(32), Timestamp(1_000 + number), Wei(1))


def _scan(number: int, *events: Event, rollback_to: int | None = None, fork: int = 0) -> Scan:
    window = {block: bytes([block, fork] * 16) for block in range(number - 2, number + 1)}
    depth = 0 if rollback_to is None else 1
    return Scan(events, window, _head(number), number, True, rollback_to, depth)


def _event(name: str, block: int, index: int = 0, **args: Any) -> Event:
    args = {"job": JOB, **args}
    return Event(name, "ReplicatedJobs", args, block, bytes([block] * 32), bytes(32), index)


def _demand(kind: int, batch: int) -> Event:
    """A demand for a part of a trace, in the shape of its event."""
    seat, place = (batch, 0, 1, 0), (kind, 0, 0, 0)
    demand = (seat, place, (bytes(32), 0, 32), (2_000, 1, 0))
    args = {"id": bytes(32), "job": JOB, "demand": demand}
    return Event("TraceDemanded", "Demands", args, 9, bytes(32), bytes(32), 0)


def _posting(block: int) -> Event:
    return _event(
        "JobPosted",
        block,
        payer=PAYER,
        program=bytes(32),
        a=TERMS.a,
        b=TERMS.b,
        named=TERMS.named,
        nonce=1,
        inputs=bytes(32),
        manifest=bytes(32),
        locators=b"",
    )


def _late() -> float:
    return metrics.late_logs_total._value.get()


async def test_tick__an_event_that_was_left_out_before__stored_and_counted(tmp_path: Path) -> None:
    first, second = (
        _event("SeatClaimed", 5, batch=0, round=0),
        _event("ResultSealed", 5, 1, batch=0),
    )
    scans = _scan(5, _posting(4), first), _scan(6, _posting(4), first, second)
    watcher, desk, _ = _watcher(tmp_path, *scans)
    before = _late()

    await watcher.tick()
    assert watcher.began.is_set() and _late() == before
    await watcher.tick()

    assert [log.name for log in desk.jobs.all_logs()] == ["SeatClaimed", "ResultSealed"]
    assert _late() == before + 1


async def test_tick__chain_younger_than_its_confirmations__lets_nothing_begin(
    tmp_path: Path,
) -> None:
    watcher, desk, _ = _watcher(tmp_path, _scan(2), _scan(3))
    desk.chain.confirmations = 3
    await watcher.tick()
    assert desk.chain.confirmed < 0 and not watcher.began.is_set()
    await watcher.tick()
    assert desk.chain.confirmed == 0 and watcher.began.is_set()


def _watcher(folder: Path, *scans: Scan) -> tuple[Watcher, Any, list[str]]:
    desk = open_desk(folder)
    news: list[str] = []
    database = desk.outbox._database
    scanner: Any = ScriptedScanner(*scans)
    watcher = Watcher(scanner, database, desk.chain, [desk.batches], 1.0, news.append)
    listener: Any = SimpleNamespace(wake=lambda: news.append("news"))
    watcher.tell(listener)
    return watcher, desk, news


async def test_tick__a_posting__counts_from_confirmation_depth_on(tmp_path: Path) -> None:
    watcher, desk, news = _watcher(tmp_path, _scan(20, _posting(19)), _scan(21))
    await watcher.tick()
    assert desk.chain.confirmed == 18
    assert desk.new_jobs(9) == []
    await watcher.tick()
    seen = desk.new_jobs(9)
    assert [job.job for job in seen] == [JOB]
    assert news == ["watcher.scan_stored", "news", "watcher.scan_stored", "news"]


async def test_tick__a_posting_of_another_service__kept_for_its_lane(tmp_path: Path) -> None:
    provable = replace(_posting(17), contract="ProvableJobs")
    advanced = replace(_event("BatchAdvanced", 18, batch=0, word=5), contract="ProvableJobs")
    watcher, desk, _ = _watcher(tmp_path, _scan(20, provable, advanced))
    await watcher.tick()
    job = desk.jobs.get(JOB)
    assert job is not None
    assert job.service == "ProvableJobs"
    assert desk.new_jobs(9) == []  # the replicated lane's
    assert len(desk.jobs.logs(JOB, BatchIndex(0), "BatchAdvanced")) == 1


async def test_tick__same_events_again__stored_once(tmp_path: Path) -> None:
    claim = _event("SeatClaimed", 19, 3, batch=0, round=0, operator=2)
    watcher, desk, _ = _watcher(tmp_path, _scan(20, claim), _scan(21, claim))
    await watcher.tick()
    await watcher.tick()
    assert len(desk.jobs.logs(JOB, BatchIndex(0), "SeatClaimed")) == 1


async def test_tick__a_reorganisation__undoes_orphans_and_their_job(tmp_path: Path) -> None:
    claim = _event("SeatClaimed", 20, batch=0, round=0, operator=2)
    other = _event("SeatClaimed", 20, batch=0, round=0, operator=3)
    watcher, desk, _ = _watcher(
        tmp_path,
        _scan(20, _posting(19), claim),
        _scan(20, other, rollback_to=18, fork=1),
    )
    await watcher.tick()
    await watcher.tick()
    assert desk.jobs.get(JOB) is None
    claims = desk.jobs.logs(JOB, BatchIndex(0), "SeatClaimed")
    assert [log.operator for log in claims] == [3]
    cursor = CursorStore(desk.outbox._database).load()
    assert cursor[20] == bytes([20, 1] * 16)


async def test_tick__a_demand_and_its_answer__have_the_batch_read_anew(tmp_path: Path) -> None:
    """A batch counts its open demands: with the last it may settle, and no job's log says so."""
    demand = _demand(kind=0, batch=0)
    answer = Event(
        "DemandAnswered", "Demands", {"id": bytes(32), "data": b""}, 12, bytes(32), bytes(32), 1
    )
    scans = [_scan(9, _posting(4)), _scan(11, demand), _scan(14, answer)]
    watcher, desk, _ = _watcher(tmp_path, *scans)
    forgotten: list[tuple[int, BatchIndex | None]] = []
    desk.batches.forget = lambda job, batch: forgotten.append((desk.chain.confirmed, batch))

    for _ in scans:
        await watcher.tick()

    assert [at for at, batch in forgotten if batch == 0] == [9, 12]


async def test_tick__nothing_new__no_write_and_no_news(tmp_path: Path) -> None:
    watcher, _, news = _watcher(tmp_path, _scan(20), _scan(20))
    await watcher.tick()
    await watcher.tick()
    assert news == ["watcher.scan_stored", "news"]


@pytest.mark.parametrize(
    "lie",
    [
        _demand(kind=9, batch=0),
        _demand(kind=0, batch=1 << 70),
        _event("ResultSealed", 9, batch=1 << 255, round=0, operator=1, digest=bytes(32)),
    ],
    ids=["a kind that does not exist", "a batch beyond SQLite", "a log beyond SQLite"],
)
async def test_regression__event_that_no_contract_logs__is_the_endpoints_fault(tmp_path, lie):
    desk = open_desk(tmp_path)
    database = Database(tmp_path / "worker.sqlite")
    scanner: Any = ScriptedScanner(_scan(9, _posting(9), lie))
    watcher = Watcher(scanner, database, desk.chain, [desk.batches], 1.0)

    with pytest.raises(RpcError, match="cannot be"):
        await watcher.tick()

    assert desk.jobs.get(JOB) is None
    assert CursorStore(database).load() == {}
