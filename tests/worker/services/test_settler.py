"""When a crank is due, what is asked of the contract, and how seats end."""

from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import (
    BATCH,
    JOB,
    ME,
    job_log,
    open_desk,
    posted,
    running,
    seat,
    word,
)
from worker.protocol.answers import Answers
from worker.protocol.record import blind
from worker.protocol.words import BatchWord
from worker.services.answers import collect_answers
from worker.services.desk import Desk, Verb, turn
from worker.services.settler import Settler, due_crank
from worker.storage.seats import SeatKey, SeatState
from worker.types import OperatorId, Seconds

ALL = Answers([[b""]], 0, frozenset({0, 1, 2}), is_missing_some=False)
SOME = Answers([[b""]], 0, frozenset({0, 1}), is_missing_some=True)
UNFILLED = word(operators=(ME, OperatorId(2)), sealed=0)
FINAL = word(is_final=True)
RAISED = word(operators=(), sealed=0, round=1, opened_at=1_020)
GROWTH = word(base=3, round=1, opened_at=2_000)  # two seats to fill; claims close at 2030


@pytest.mark.parametrize(
    ("batch", "answers", "now", "verb"),
    [
        (word(is_final=True), ALL, 9_999, None),
        (word(), ALL, 1_050, Verb.SETTLE),
        (word(), SOME, 1_050, None),
        (word(), SOME, 1_130, Verb.SETTLE),  # the reveal window is over
        (word(sealed=0b011), SOME, 1_089, None),  # one may still seal
        (word(sealed=0b011), ALL, 1_090, Verb.SETTLE),
        (UNFILLED, SOME, 1_059, None),  # the payer may raise the price
        (UNFILLED, SOME, 1_060, Verb.EXPIRE),
        (GROWTH, ALL, 2_029, None),
        (GROWTH, ALL, 2_030, Verb.SETTLE),  # unfilled growth is a final tie
    ],
)
def test_due_crank__table(batch: BatchWord, answers: Answers, now: int, verb: Verb | None) -> None:
    assert due_crank(running(batch), answers, now) is verb


def test_turn__three_seats__each_leads_in_one_batch_of_three() -> None:
    leaders = [next(seat for seat in range(3) if turn(seat, batch, 3) == 0) for batch in range(3)]
    assert sorted(leaders) == [0, 1, 2]


def _with_logs(folder: Path, *logs: Any) -> Desk:
    desk = open_desk(folder)
    desk.jobs.add_job(posted())
    desk.jobs.add_logs(logs)
    return desk


def _reveal(operator: int, *values: bytes, number: int = 0, index: int = 0) -> Any:
    args = {"operator": operator, "round": number, "values": list(values)}
    return job_log("ResultRevealed", index=index, **args)


def test_answers__two_lists_and_a_silent_seat__as_settle_takes_them(tmp_path: Path) -> None:
    one, two = b"1" * 32, b"2" * 32
    desk = _with_logs(tmp_path, _reveal(1, one, one), _reveal(3, two, one, index=1))
    answers = collect_answers(desk, seat(), running(word()))
    assert answers.lists == [[one, one], [two, one]]
    assert [answers.choice >> 3 * index & 7 for index in range(7)] == [0, 7, 1, 7, 7, 7, 7]
    assert answers.opened == {0, 2}
    assert answers.is_missing_some


def test_answers__growth__blinds_what_growth_opened(tmp_path: Path) -> None:
    digest = b"s" * 32
    desk = _with_logs(
        tmp_path,
        *(_reveal(one, blind(digest), index=one) for one in (1, 2, 3)),
        *(_reveal(one, digest, number=1, index=one) for one in (4, 5)),
    )
    operators = tuple(map(OperatorId, (1, 2, 3, 4, 5)))
    grown = word(operators=operators, sealed=0b11111, base=3, round=1, opened_at=2_000)
    answers = collect_answers(desk, seat(), running(grown, mask=1))
    assert answers.lists == [[blind(digest)]]
    assert answers.opened == {0, 1, 2, 3, 4}
    assert not answers.is_missing_some


def _settled(
    block: int, contested: int, paid: int, burnt: int, operator: int = ME, **more: Any
) -> Any:
    packed = operator | paid << 24 | burnt << 120 | (2 * 10**9 - burnt) << 184
    args = {"contested_mask": contested, "seats": [packed], "round": 0} | more
    return job_log("BatchSettled", block=block, index=block, **args)


@pytest.mark.parametrize(
    ("logs", "batch", "state", "paid", "burnt"),
    [
        ([_settled(6, 0, 5, 0)], FINAL, SeatState.SETTLED, 5, 0),
        ([_settled(6, 0, 0, 7)], FINAL, SeatState.LOST, 0, 7),
        ([_settled(6, 1, 5, 0)], GROWTH, SeatState.REVEALED, 0, 0),
        ([_settled(6, 1, 5, 0), _settled(7, 0, 3, 0, round=1)], FINAL, SeatState.SETTLED, 8, 0),
        # A reorganisation gave the seat to another.
        ([_settled(6, 0, 5, 0, operator=2)], FINAL, SeatState.VOID, 0, 0),
        ([job_log("BatchClosed", reason=1, refund=1)], FINAL, SeatState.VOID, 0, 0),
        ([job_log("RoundOpened", round=1)], RAISED, SeatState.VOID, 0, 0),
        # Not deep enough: the head is at 10, two confirmations are asked for.
        ([_settled(9, 0, 5, 0)], word(), SeatState.REVEALED, 0, 0),
    ],
)
async def test_tick__what_the_chain_decided__books_the_seat(
    tmp_path: Path, logs: list[Any], batch: BatchWord, state: SeatState, paid: int, burnt: int
) -> None:
    desk = _with_logs(tmp_path, *logs)
    desk.seats.add(seat(SeatState.REVEALED))
    desk.batches._confirmed[JOB, BATCH] = running(batch)
    ended: list[SeatKey] = []
    settler = Settler(desk, Seconds(5), lambda one: ended.append(one.key))
    await settler.tick()

    stored = desk.seats.get(SeatKey(JOB, BATCH, 0))
    assert stored is not None
    assert stored.state is state
    assert sum(one.paid for one in desk.seats.earnings()) == paid
    assert sum(one.burnt for one in desk.seats.earnings()) == burnt
    assert bool(ended) == (state is not SeatState.REVEALED)
