"""What a seat of ours sends, when, and how it ends."""

from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.provable.provable_actors import (
    ALONE,
    BATCH,
    JOB,
    ME,
    OTHER,
    SINCE,
    Fate,
    Phase,
    listen,
    open_provable,
    seat,
    show,
    turn,
)
from tests.worker.services.service_actors import job_log
from worker.services.provable import mover
from worker.services.provable.mover import Mover
from worker.storage.jobs import JobLog
from worker.storage.seats import SeatKey, SeatState, TaskRecord
from worker.types import Seconds, TaskIndex

PATIENCE = Seconds(10)
ROOTS = [b"0" * 32, b"1" * 32]
OPENED = (Fate.OPENED, Fate.OPENED)
BOND = 2 * 10**9


def _reveal(operator: int, values: list[bytes], number: int = 0, index: int = 0) -> JobLog:
    args = {"operator": operator, "round": number, "values": values}
    return job_log("ResultRevealed", index=index, **args)


def _desk(folder: Path, round_: Any, state: SeatState, now: int, *logs: JobLog) -> Any:
    desk = open_provable(folder, round_, now)
    desk.jobs.add_logs(logs)
    desk.seats.add(seat(state))
    for task, root in enumerate(ROOTS):
        desk.seats.add_record(JOB, TaskRecord(TaskIndex(task), BATCH, root, b"{}", None, 5, 0.1))
    return desk


async def _sent(folder: Path, round_: Any, state: SeatState, now: int, *logs: JobLog) -> Any:
    desk = _desk(folder, round_, state, now, *logs)
    sent = listen(desk)
    await Mover(desk, PATIENCE).tick()
    return sent, desk.seats.get(seat().key)


def _later(desk: Any, round_: Any, seconds: int) -> None:
    head = desk.chain.head
    desk.chain.head = type(head)(
        head.number, head.hash, head.parent_hash, head.timestamp + seconds, head.base_fee
    )
    show(desk, round_)


async def test_tick__reveal_window__opens_the_roots_as_they_are(tmp_path: Path) -> None:
    sent, _ = await _sent(tmp_path, turn(Phase.REVEAL), SeatState.SEALED, SINCE)
    ((verb, args),) = sent
    assert verb == "reveal"
    assert args[1:] == [BATCH, ME, ROOTS, bytes(32)]


@pytest.mark.parametrize("state", [SeatState.SEALING, SeatState.REVEALING, SeatState.REVEALED])
async def test_tick__seal_not_final_or_opening_sent__opens_nothing(
    tmp_path: Path, state: SeatState
) -> None:
    sent, _ = await _sent(tmp_path, turn(Phase.REVEAL), state, SINCE)
    assert sent == []


async def test_tick__newest_block_moved_on__opens_nothing_yet(tmp_path: Path) -> None:
    desk = _desk(tmp_path, turn(Phase.REVEAL), SeatState.SEALED, SINCE)
    show(desk, turn(Phase.REVEAL), latest=turn(Phase.AUDIT_OPEN))
    sent = listen(desk)
    await Mover(desk, PATIENCE).tick()
    assert sent == []


@pytest.mark.parametrize(("drawn", "verbs"), [(None, []), (True, ["advance"]), (False, ["reveal"])])
async def test_tick__sealed__waits_for_the_draw_then_audit_or_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: bool | None, verbs: list[str]
) -> None:
    async def is_drawn(*_: Any) -> bool | None:
        return drawn

    monkeypatch.setattr(mover, "is_drawn", is_drawn)
    sent, _ = await _sent(tmp_path, turn(Phase.SEALED, seats=ALONE), SeatState.SEALED, SINCE)
    assert [verb for verb, _ in sent] == verbs


async def test_tick__reveal_window_over__missed_and_cranked(tmp_path: Path) -> None:
    sent, stored = await _sent(tmp_path, turn(Phase.REVEAL), SeatState.SEALED, SINCE + 40)
    assert [verb for verb, _ in sent] == ["advance"]
    assert stored.state is SeatState.MISSED


@pytest.mark.parametrize(
    ("logs", "values"),
    [
        ((_reveal(ME, ROOTS), _reveal(OTHER, ROOTS, index=1)), ROOTS),
        ((_reveal(ME, ROOTS), _reveal(OTHER, ROOTS[::-1], index=1)), []),
        ((_reveal(OTHER, ROOTS[::-1], number=1), _reveal(ME, ROOTS, index=1)), ROOTS),
    ],
)
async def test_tick__challenge_over__settles_with_what_stands(
    tmp_path: Path, logs: tuple[JobLog, ...], values: list[bytes]
) -> None:
    over = turn(Phase.CHALLENGE, fates=OPENED)
    sent, _ = await _sent(tmp_path, over, SeatState.REVEALED, SINCE + 90, *logs)
    ((verb, args),) = sent
    assert (verb, args[1], args[2]) == ("settle", BATCH, values)


@pytest.mark.parametrize(("later", "verbs"), [(9, []), (10, ["settle"])])
async def test_tick__the_other_seats_turn__waits_its_patience(
    tmp_path: Path, later: int, verbs: list[str]
) -> None:
    second = turn(Phase.CHALLENGE, fates=OPENED, seats=((OTHER, ME), *ALONE[1:]))
    desk = _desk(tmp_path, second, SeatState.REVEALED, SINCE + 90, _reveal(ME, ROOTS))
    sent = listen(desk)
    service = Mover(desk, PATIENCE)
    await service.tick()
    assert sent == []
    _later(desk, second, later)
    await service.tick()
    assert [verb for verb, _ in sent] == verbs


@pytest.mark.parametrize(("later", "verbs"), [(2, []), (3, ["settle"])])
async def test_tick__settlement_refused_before__not_again_at_once(
    tmp_path: Path, later: int, verbs: list[str]
) -> None:
    alone = turn(Phase.CHALLENGE, fates=OPENED)
    desk = _desk(tmp_path, alone, SeatState.REVEALED, SINCE + 90, _reveal(ME, ROOTS))
    for _ in range(2):
        desk.seats.retry(seat().key, SeatState.REVEALED, "provable: answered just now")
    sent = listen(desk)
    service = Mover(desk, PATIENCE)
    await service.tick()
    assert sent == []
    _later(desk, alone, later)
    await service.tick()
    assert [verb for verb, _ in sent] == verbs


async def test_tick__a_convicted_auditor__the_operators_values_stand(tmp_path: Path) -> None:
    fates = (Fate.OPENED, Fate.CONVICTED)
    logs = (_reveal(ME, ROOTS), _reveal(OTHER, ROOTS[::-1], index=1))
    over = turn(Phase.CHALLENGE, fates=fates)
    sent, _ = await _sent(tmp_path, over, SeatState.REVEALED, SINCE + 90, *logs)
    assert sent[0][1][2] == ROOTS


def _settled(paid: int, burnt: int, number: int = 0) -> JobLog:
    packed = int(ME) | paid << 24 | burnt << 120 | (BOND - burnt) << 184
    return job_log("BatchSettled", block=8, round=number, seats=[packed])


def _forfeited(operator: int, burnt: int, number: int = 0) -> JobLog:
    args = {"operator": operator, "round": number, "burnt": burnt, "released": BOND - burnt}
    return job_log("SeatForfeited", block=8, **args)


CONVICTED = job_log("OperatorConvicted", block=8, operator=ME, round=0, bond=BOND)


@pytest.mark.parametrize(
    ("log", "state", "paid", "burnt", "released"),
    [
        (_settled(7, 0), SeatState.SETTLED, 7, 0, BOND),
        (_settled(0, BOND), SeatState.LOST, 0, BOND, 0),  # openings differed
        (_forfeited(ME, BOND // 4), SeatState.LOST, 0, BOND // 4, BOND - BOND // 4),
        (CONVICTED, SeatState.LOST, 0, BOND, 0),
    ],
)
async def test_tick__what_the_chain_decided__books_the_seat(
    tmp_path: Path, log: JobLog, state: SeatState, paid: int, burnt: int, released: int
) -> None:
    round_ = turn(Phase.CHALLENGE, fates=OPENED)
    _, stored = await _sent(tmp_path, round_, SeatState.REVEALED, SINCE, log)
    assert stored.state is state
    (earning,) = open_provable(tmp_path).seats.earnings()
    assert (earning.paid, earning.burnt, earning.released) == (paid, burnt, released)


@pytest.mark.parametrize(
    "log",
    [
        _forfeited(OTHER, BOND),  # another's loss
        _forfeited(ME, BOND, number=1),  # of another round
        job_log("SeatForfeited", block=9, operator=ME, round=0, burnt=1, released=1),  # too new
    ],
)
async def test_tick__not_ours_or_not_confirmed__goes_on(tmp_path: Path, log: JobLog) -> None:
    _, stored = await _sent(tmp_path, turn(Phase.CHALLENGE), SeatState.REVEALED, SINCE, log)
    assert stored.state is SeatState.REVEALED


async def test_tick__a_late_claim_whose_round_is_over__void(tmp_path: Path) -> None:
    desk = open_provable(tmp_path, turn(Phase.OPEN, round=1))
    desk.seats.add(seat(SeatState.RAN, claims_late=True))
    await Mover(desk, PATIENCE).tick()
    stored = desk.seats.get(SeatKey(JOB, BATCH, 0))
    assert stored is not None
    assert stored.state is SeatState.VOID
