"""How a provable batch looks to the services that all lanes share."""

from dataclasses import replace
from typing import Any

import pytest

from tests.worker.services.provable.provable_actors import (
    ALONE,
    BATCH,
    JOB,
    ME,
    OTHER,
    PROVABLE,
    SINCE,
    Phase,
    provable_job,
    seat,
    turn,
    word,
)
from worker.protocol.merkle import named_root
from worker.protocol.provable_words import ProvableBatch
from worker.services.lane import is_open_to
from worker.services.provable.lane import ProvableLane, Turn
from worker.types import OperatorId, Timestamp

THIRD = OperatorId(3)


def test_first_round__untouched__open_by_the_jobs_seed() -> None:
    first = ProvableLane().first_round(PROVABLE, BATCH)
    assert not first.is_filled and not first.is_final and first.by_job_seed
    assert (first.clock.opened_at, first.clock.claim_until) == (1_000, 1_030)
    assert first.seal_until(ME, 1_001) is None


@pytest.mark.parametrize("phase", [one for one in Phase if one is not Phase.FINAL])
def test_is_filled__by_phase__open_for_operators_then_auditors(phase: Phase) -> None:
    assert turn(phase).is_filled is (phase not in (Phase.OPEN, Phase.AUDIT_OPEN))


@pytest.mark.parametrize(
    ("phase", "who", "until"),
    [
        (Phase.RUNNING, ME, SINCE + 60),
        (Phase.RUNNING, OTHER, None),
        (Phase.AUDIT_RUNNING, OTHER, SINCE + 60),
        (Phase.AUDIT_RUNNING, ME, None),
        (Phase.SEALED, ME, None),
        (Phase.REVEAL, OTHER, None),
    ],
)
def test_seal_until__only_the_seat_that_runs(
    phase: Phase, who: OperatorId, until: int | None
) -> None:
    assert turn(phase).seal_until(who, SINCE) == until


def test_is_named__audits_are_for_everybody() -> None:
    named = replace(PROVABLE, named=named_root([7, 9]))
    assert Turn(named, BATCH, word(Phase.OPEN)).is_named
    assert not Turn(named, BATCH, word(Phase.AUDIT_OPEN)).is_named


def test_holds__an_earlier_round__counts() -> None:
    seats = (*ALONE[:1], (THIRD, OperatorId(0)), ALONE[2])
    later = turn(Phase.OPEN, seats=seats, round=1)
    assert later.holds(ME) and later.holds(THIRD) and not later.holds(OTHER)


@pytest.mark.parametrize(
    ("phase", "opened_at", "now", "is_open"),
    [
        (Phase.AUDIT_OPEN, SINCE, SINCE + 29, True),
        (Phase.AUDIT_OPEN, SINCE, SINCE + 30, False),
        (Phase.AUDIT_OPEN, SINCE - 1, SINCE, False),  # redrawn meanwhile
        (Phase.AUDIT_RUNNING, SINCE, SINCE, False),
    ],
)
def test_is_open_to__that_draw_alone(phase: Phase, opened_at: int, now: int, is_open: bool) -> None:
    mine = seat(opened_at=Timestamp(opened_at))
    assert is_open_to(mine, turn(phase, seats=ALONE), now) is is_open


class Chain:
    """Answers views as a test says."""

    def __init__(self, **views: Any) -> None:
        self.views = views

    async def call(self, _: str, view: str, *args: Any) -> Any:
        found = self.views[view]
        return found[args] if isinstance(found, dict) else found

    async def read(self, _: str, calls: list[Any], block: int | str) -> list[Any]:
        return [self.views[name] for name, _ in calls]


async def test_read__words__turns_by_batch() -> None:
    chain: Any = Chain(batch_of=int(Phase.RUNNING) << 144 | int(ME) | 2_000 << 168)
    found = await ProvableLane().read(chain, {(JOB, BATCH): provable_job()}, "latest")
    assert found[JOB, BATCH].word.seat_of(ME) == 0
    assert found[JOB, BATCH].clock.opened_at == 2_000


@pytest.mark.parametrize(("drawn_at", "seed"), [(50, 7), (49, 0)])
async def test_seed__a_draw_of_its_own__captured_at_this_height_or_not(
    drawn_at: int, seed: int
) -> None:
    chain: Any = Chain(draw_of=drawn_at | 7 << 64)
    found = await ProvableLane().seed(chain, provable_job(), BATCH, turn(Phase.AUDIT_OPEN))
    assert (found.value, found.height, found.bits) == (seed, 50, 192)


async def test_seed__first_round__the_jobs() -> None:
    chain: Any = Chain(job_of=40 | 9 << 64)
    first = ProvableLane().first_round(PROVABLE, BATCH)
    found = await ProvableLane().seed(chain, provable_job(), BATCH, first)
    assert (found.value, found.height) == (9, 40)


@pytest.mark.parametrize(
    ("phase", "owners", "barred"),
    [
        (Phase.AUDIT_OPEN, {(THIRD,): "0xa", (ME,): "0xa"}, True),
        (Phase.AUDIT_OPEN, {(THIRD,): "0xb", (ME,): "0xa"}, False),
        (Phase.OPEN, {}, False),
    ],
)
async def test_bars__an_auditor_of_the_operators_owner(
    phase: Phase, owners: dict[Any, str], barred: bool
) -> None:
    chain: Any = Chain(owner_of=owners)
    assert await ProvableLane().bars(chain, turn(phase, seats=ALONE), THIRD) is barred


def test_value_and_may_show__root_as_it_is__from_the_opening_on() -> None:
    lane = ProvableLane()
    assert lane.value(seat(), b"r" * 32) == b"r" * 32
    assert lane.may_show(seat(), PROVABLE, has_opened=True)
    assert not lane.may_show(seat(), PROVABLE, has_opened=False)


def test_final__word__is_over() -> None:
    over = Turn(PROVABLE, BATCH, ProvableBatch.unpack(1 << 255))
    assert over.is_final and over.is_filled and not over.holds(ME)
