"""When a seat concludes, waits for the others, or reveals for itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import (
    BATCH,
    JOB,
    ME,
    TERMS,
    job_log,
    open_desk,
    posted,
    running,
    seat,
    word,
)
from worker.protocol.openings import Opening
from worker.protocol.words import Terms
from worker.services.desk import Desk
from worker.services.openings import Gathered
from worker.services.revealer import Revealer
from worker.storage.jobs import JobLog
from worker.storage.seats import Seat
from worker.types import OperatorId, Seconds, Timestamp

SINCE = 1_010  # every seat is seen sealed; the reveal window ends at 1130
PATIENCE = Seconds(10)


def _opening(operator: int, value: bytes = b"v") -> Opening:
    return Opening(OperatorId(operator), 0, (value * 32,), bytes(32))


@dataclass
class Told:
    """What the other seats' workers say, as a test sets it."""

    others: dict[int, Opening] = field(default_factory=dict)
    asked: int = 0

    def own(self, _: Seat) -> Opening:
        return _opening(ME)

    async def gather(self, _: Seat, round_: Any, own: Opening) -> Gathered:
        self.asked += 1
        return Gathered({0: own} | self.others, round_.seats)


async def _sent(
    folder: Path,
    now: int,
    told: Told,
    terms: Terms = TERMS,
    logs: Sequence[JobLog] = (),
    operators: tuple[int, ...] = (ME, 2, 3),
) -> list[str]:
    """Return what our seat of a sealed round sends at chain time `now`."""
    desk: Desk = open_desk(folder)
    assert desk.chain.head is not None
    desk.chain.head = replace(desk.chain.head, timestamp=Timestamp(now))
    desk.jobs.add_job(posted(terms=terms))
    desk.jobs.add_logs(logs)
    desk.seats.add(seat(ready_at=Timestamp(SINCE)))
    round_ = running(word(operators=tuple(map(OperatorId, operators))), terms)
    desk.batches._confirmed[JOB, BATCH] = round_
    desk.batches._latest[JOB, BATCH] = round_
    desk.batches._latest_at = desk.chain.head
    sent: list[str] = []
    desk.encode = lambda *_: b""  # type: ignore[method-assign]
    desk.propose = lambda verb, *_, **__: sent.append(verb)  # type: ignore[method-assign]
    await Revealer(desk, told, PATIENCE).tick()  # type: ignore[arg-type]
    return sent


SAME = {1: _opening(2), 2: _opening(3)}
ONE_MISSING = {1: _opening(2)}
ONE_DIFFERS = {1: _opening(2), 2: _opening(3, b"w")}
SHORT = replace(TERMS, reveal=Seconds(1), run=Seconds(10))  # the window ends at 1041


@pytest.mark.parametrize(
    ("others", "terms", "now", "sent"),
    [
        (SAME, TERMS, SINCE, ["conclude"]),
        (ONE_DIFFERS, TERMS, SINCE, ["reveal"]),
        # One never tells, or tells what does not fit its seal: each seat's turn is waited for.
        (ONE_MISSING, TERMS, SINCE, []),
        (ONE_MISSING, TERMS, SINCE + 29, []),
        (ONE_MISSING, TERMS, SINCE + 30, ["reveal"]),
        (ONE_MISSING, TERMS, SINCE + 31, ["reveal"]),
        # 31 seconds are left: three turns of 5, and the other half for revealing.
        (ONE_MISSING, SHORT, SINCE + 14, []),
        (ONE_MISSING, SHORT, SINCE + 15, ["reveal"]),
        (ONE_MISSING, SHORT, SINCE + 30, ["reveal"]),
        (ONE_MISSING, SHORT, SINCE + 31, []),  # too late
    ],
)
async def test_tick__what_the_others_tell__concludes_waits_or_reveals(
    tmp_path: Path, others: dict[int, Opening], terms: Terms, now: int, sent: list[str]
) -> None:
    assert await _sent(tmp_path, now, Told(others), terms) == sent


async def test_tick__another_has_revealed__reveals_at_once(tmp_path: Path) -> None:
    shown = job_log("ResultRevealed", operator=2, round=0, values=[])
    told = Told(SAME)
    assert await _sent(tmp_path, SINCE, told, logs=[shown]) == ["reveal"]
    assert told.asked == 0


@pytest.mark.parametrize(("now", "asked"), [(SINCE + 9, 0), (SINCE + 10, 1)])
async def test_tick__a_later_turn__asks_nobody_before(tmp_path: Path, now: int, asked: int) -> None:
    told = Told(SAME)
    sent = await _sent(tmp_path, now, told, operators=(2, ME, 3))
    assert (told.asked, sent) == (asked, ["conclude"] * asked)
