"""A claimer gives up what a reorganisation took from it."""

from pathlib import Path

import pytest

from tests.worker.services.service_actors import BATCH, JOB, open_desk, posted, seat
from worker.health import Health
from worker.protocol.outbox import Intent, TxState
from worker.services.claimer import Claimer
from worker.services.desk import Verb, purpose
from worker.services.load import Load
from worker.services.policy import PolicyConfig
from worker.storage.seats import SeatKey, SeatState


@pytest.mark.parametrize("held", [SeatState.CLAIMED, SeatState.RAN, SeatState.MISSED])
@pytest.mark.parametrize(
    ("verb", "end", "reason", "is_kept"),
    [
        (Verb.CLAIM, TxState.FINAL, None, True),
        (Verb.CLAIM, TxState.FAILED, "jobs: no seat left", False),
        (Verb.CLAIM, TxState.EXPIRED, "not mined in time", False),
        (Verb.SEAL, TxState.FAILED, "jobs: no seat left", False),  # it was claimed sealed
        (Verb.SEAL, TxState.FAILED, "jobs: already sealed", True),
    ],
)
async def test_tick__claim_failed_after_it_was_final__seat_given_up(
    tmp_path: Path,
    held: SeatState,
    verb: Verb,
    end: TxState,
    reason: str | None,
    is_kept: bool,
) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    mine = seat(held, claims_late=verb is Verb.SEAL)
    desk.seats.add(mine)
    entry = desk.outbox.enqueue(Intent(purpose(verb, mine), "0x" + "00" * 20, b""))
    desk.outbox.settle(entry.id, end, reason)
    policy = PolicyConfig()

    claimer = Claimer(desk, None, policy, Load(desk, policy, 1), Health())  # type: ignore[arg-type]
    await claimer.tick()

    stored = desk.seats.get(SeatKey(JOB, BATCH, 0))
    assert stored is not None
    assert stored.state is (held if is_kept else SeatState.VOID)
