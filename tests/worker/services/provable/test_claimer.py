"""Seats and audits that are drawn: claimed, run first, or left alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
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
    open_provable,
    provable_job,
    seat,
    show,
    turn,
)
from tests.worker.services.service_actors import job_log
from worker.health import Health, Reason
from worker.protocol.merkle import named_root
from worker.protocol.provable_words import ProvableBatch
from worker.services.claimer import Claimer
from worker.services.load import Load
from worker.services.policy import PolicyConfig
from worker.services.provable.lane import Turn
from worker.storage.jobs import JobLog, JobState, PostedJob
from worker.storage.seats import Seat, SeatState
from worker.types import OperatorId, Timestamp
from worker.work.prepare import Effort

NOBODY = OperatorId(0)
THEIRS = ((OTHER, NOBODY), *ALONE[1:])
ADVANCED = job_log("BatchAdvanced", word=0)
DEAR = Effort(steps=10 * 10**9)  # ten seconds: claimed before it runs
CHEAP = Effort(steps=10**6)
NAMED = replace(PROVABLE, named=named_root([OTHER, 9]))
OWNERS = {ME: "0xme", OTHER: "0xother"}


def named_job() -> PostedJob:
    """Return a job that names operators 2 and 9."""
    return replace(provable_job(), named=NAMED.named)


class Chain:
    """Every ticket wins from the first third on; we may lock anything; other batches are new."""

    def __init__(self, owners: dict[int, str]) -> None:
        self.owners = owners
        self.deployment = SimpleNamespace(contracts={"BlockSeed": None})

    async def call(self, contract: str, view: str, *args: Any, **_: Any) -> Any:
        answers = {
            "draw_of": 50 | 7 << 64,
            "job_of": 5 | 7 << 64,
            "weight_at": (1, 1),
            "worker_key": (ME, 10**12, False),
        }
        return self.owners[args[0]] if view == "owner_of" else answers[view]

    async def read(self, contract: str, calls: Sequence[Any], block: Any) -> list[Any]:
        return [0] * len(calls)  # words of batches

    def having(self, _: str) -> list[str]:
        return ["ProvableJobs"]

    async def read_all(self, calls: Sequence[Any], block: Any) -> list[Any]:
        """Say how the operator stands: a thousand tokens, nothing locked."""
        answers = {
            "operator": (10**12, 0),
            "locked_of": 0,
            "leverage": 2,
            "delegated": (0, 0),
            "lane": 0,
            "opt_in_of": (10**12, 0, 0, 0),
            "OWN_STAKE_ONLY": True,
        }
        return [answers[view] for _, view, _ in calls]

    def address(self, _: str) -> str:
        return "0x" + "11" * 20

    def encode(self, contract: str, function: str, *args: Any) -> bytes:
        return repr((contract, function, args[1:])).encode()


async def _claimed(
    folder: Path,
    round_: Turn,
    *logs: JobLog,
    effort: Effort = DEAR,
    old: Seat | None = None,
    owners: dict[int, str] = OWNERS,
    latest: Turn | None = None,
    health: Health | None = None,
    now: int = SINCE + 1,
    job: PostedJob | None = None,
) -> tuple[list[Seat], list[bytes]]:
    """Return our seats and the calls that were stored for them after one tick."""
    desk = open_provable(folder, None, now, job)
    desk.jobs.set_state(JOB, JobState.READY)
    desk.jobs.add_logs(logs)
    desk.chain.contracts = Chain(owners)  # type: ignore[assignment]
    show(desk, round_, latest)
    if old is not None:
        desk.seats.add(old)
    ready: Any = SimpleNamespace(effort=lambda *_: effort, batch=lambda *_: object())
    if health is None:
        health = Health()
        health.report(Reason.STARTING, False)
    policy = PolicyConfig()
    await Claimer(desk, ready, policy, Load(desk, policy, 1), health).tick()
    seats = [one for one in desk.seats.in_job(JOB).values() if one.key.batch == BATCH]
    return seats, [entry.intent.data for entry in desk.outbox.entries()]


async def test_tick__audit_open__claimed_without_a_proof(tmp_path: Path) -> None:
    open_audit = turn(Phase.AUDIT_OPEN, seats=THEIRS)
    (mine,), (call,) = await _claimed(tmp_path, open_audit, ADVANCED)
    assert (mine.state, mine.opened_at, mine.bond) == (SeatState.CLAIMING, SINCE, 2 * 10**9)
    assert call == b"('ProvableJobs', 'claim', (0, (0, [])))"


async def test_tick__audit_that_runs_in_no_time__run_first(tmp_path: Path) -> None:
    open_audit = turn(Phase.AUDIT_OPEN, seats=THEIRS)
    (mine,), calls = await _claimed(tmp_path, open_audit, ADVANCED, effort=CHEAP)
    assert (mine.state, mine.claims_late, calls) == (SeatState.CANDIDATE, True, [])


@pytest.mark.parametrize(
    ("round_", "changes"),
    [
        (turn(Phase.AUDIT_OPEN, seats=ALONE), {}),  # we are the operator
        (turn(Phase.AUDIT_OPEN, seats=THEIRS), {"owners": {ME: "0xme", OTHER: "0xme"}}),
        (turn(Phase.AUDIT_OPEN, seats=THEIRS), {"now": SINCE + 30}),  # the window is over
        (turn(Phase.AUDIT_RUNNING), {}),
        (turn(Phase.REVEAL, seats=THEIRS), {}),
        (
            turn(Phase.AUDIT_OPEN, seats=THEIRS),
            {"latest": turn(Phase.AUDIT_RUNNING, seats=((OTHER, OperatorId(9)), *ALONE[1:]))},
        ),
    ],
)
async def test_tick__no_seat_for_us__left_alone(
    tmp_path: Path, round_: Turn, changes: dict[str, Any]
) -> None:
    assert await _claimed(tmp_path, round_, ADVANCED, **changes) == ([], [])


@pytest.mark.parametrize("reason", [Reason.SELF_TEST, Reason.DRAINING])
async def test_tick__not_ready__left_alone(tmp_path: Path, reason: Reason) -> None:
    health = Health()
    health.report(Reason.STARTING, False)
    health.report(reason, True)
    open_audit = turn(Phase.AUDIT_OPEN, seats=THEIRS)
    assert await _claimed(tmp_path, open_audit, ADVANCED, health=health) == ([], [])


@pytest.mark.parametrize(
    ("opened_at", "reason", "tries"),
    [
        (SINCE - 40, "no seat left", 1),  # of the operator's seat: an audit is another draw
        (SINCE, "no seat left", None),
        (SINCE, "jobs: seed pending", 1),
    ],
)
async def test_tick__after_a_try_that_failed__again_in_another_draw_or_for_passing_reasons(
    tmp_path: Path, opened_at: int, reason: str, tries: int | None
) -> None:
    old = seat(SeatState.VOID, opened_at=Timestamp(opened_at), reason=reason)
    open_audit = turn(Phase.AUDIT_OPEN, seats=THEIRS)
    (mine,), calls = await _claimed(tmp_path, open_audit, ADVANCED, old=old)
    assert len(calls) == (0 if tries is None else 1)
    assert mine.state is (SeatState.VOID if tries is None else SeatState.CLAIMING)
    assert mine.tries == (tries or 0)


async def test_tick__reopened_round__claimed_by_its_own_draw(tmp_path: Path) -> None:
    seats = (*THEIRS[:1], (NOBODY, NOBODY), (NOBODY, NOBODY))
    again = turn(Phase.OPEN, seats=seats, round=1)
    (mine,), calls = await _claimed(tmp_path, again, job_log("RoundOpened", round=1))
    assert (mine.key.round, mine.state, len(calls)) == (1, SeatState.CLAIMING, 1)


async def test_tick__first_round__claimed_by_the_jobs_draw(tmp_path: Path) -> None:
    first = Turn(PROVABLE, BATCH, ProvableBatch.unpack(0))
    (mine,), calls = await _claimed(tmp_path, first, now=1_001)
    assert (mine.opened_at, mine.state) == (1_000, SeatState.CLAIMING)
    assert calls[0] == b"('ProvableJobs', 'claim', (0, (0, [])))"


@pytest.mark.parametrize(
    ("round_", "logs", "now", "claims"),
    [
        (Turn(NAMED, BATCH, ProvableBatch.unpack(0)), (), 1_001, 0),
        (Turn(NAMED, BATCH, turn(Phase.AUDIT_OPEN, seats=THEIRS).word), (ADVANCED,), SINCE, 1),
    ],
)
async def test_tick__a_job_of_named_operators__audited_by_others_too(
    tmp_path: Path, round_: Turn, logs: tuple[JobLog, ...], now: int, claims: int
) -> None:
    seats, calls = await _claimed(tmp_path, round_, *logs, now=now, job=named_job())
    assert len(seats) == len(calls) == claims
