"""Outputs are nobody's business before their batch is settled."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.worker.services.service_actors import BATCH, JOB, TERMS, open_desk, posted, seat
from worker.protocol.words import Terms
from worker.services.outputs import Outputs
from worker.storage.seats import SeatState, TaskRecord
from worker.types import Digest, TaskIndex

BUNDLE = Digest(b"b" * 32)
SINGLE = replace(TERMS, seats=1, max_seats=1)


@pytest.mark.parametrize(
    ("state", "terms", "shown"),
    [
        (SeatState.RAN, TERMS, False),
        (SeatState.SEALED, TERMS, False),
        (SeatState.REVEALED, TERMS, False),
        (SeatState.SETTLED, TERMS, True),
        (SeatState.LOST, TERMS, True),
        (SeatState.VOID, TERMS, False),
        (SeatState.REVEALED, SINGLE, True),  # the payer must see it to accept
        (SeatState.SEALED, SINGLE, False),
    ],
)
async def test_outputs__by_state__shown_or_not(
    tmp_path: Path, state: SeatState, terms: Terms, shown: bool
) -> None:
    desk = open_desk(tmp_path)
    desk.jobs.add_job(posted(terms=terms))
    desk.seats.add(seat(state))
    record = TaskRecord(TaskIndex(0), BATCH, b"d" * 32, b"{}", BUNDLE, 5, 0.1)
    desk.seats.add_record(JOB, record)
    outputs = Outputs([desk])
    assert await outputs.is_public(BUNDLE) is shown
    assert (await outputs.result(JOB, TaskIndex(0)) == b"{}") is shown


async def test_is_public__a_blob_that_is_no_output__yes(tmp_path: Path) -> None:
    assert await Outputs([open_desk(tmp_path)]).is_public(Digest(b"x" * 32))
