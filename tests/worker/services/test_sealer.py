"""What a refused seal means for its seat."""

from pathlib import Path

import pytest

from tests.worker.services.service_actors import BATCH, JOB, open_desk, posted, seat
from worker.protocol.outbox import Intent, TxState
from worker.services.desk import Verb, purpose
from worker.services.policy import PolicyConfig
from worker.services.sealer import Sealer
from worker.storage.seats import SeatKey, SeatState


@pytest.mark.parametrize(
    ("end", "reason", "state"),
    [
        (TxState.FINAL, None, SeatState.SEALED),
        (TxState.FAILED, "jobs: already sealed", SeatState.SEALED),
        (TxState.FAILED, "jobs: no seat", SeatState.VOID),  # a reorganisation took the claim away
        (TxState.EXPIRED, "not mined in time", SeatState.MISSED),
    ],
)
async def test_tick__seal_ended__seat_follows(
    tmp_path: Path, end: TxState, reason: str | None, state: SeatState
) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted())
    mine = seat(SeatState.SEALING)
    desk.seats.add(mine)
    entry = desk.outbox.enqueue(Intent(purpose(Verb.SEAL, mine), "0x" + "00" * 20, b""))
    desk.outbox.settle(entry.id, end, reason)

    await Sealer(desk, PolicyConfig()).tick()

    stored = desk.seats.get(SeatKey(JOB, BATCH, 0))
    assert stored is not None and stored.state is state
