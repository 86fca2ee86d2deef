"""Which moves the parts of a cast make, and that those left out leave nothing behind."""

from pathlib import Path

import pytest

from tests.worker.services.service_actors import job_log, open_desk, posted, seat
from worker.cli.devnet.cast.copycat import CopyingDesk
from worker.cli.devnet.cast.griefer import IdleDesk
from worker.services.desk import Verb
from worker.storage.seats import SeatState


@pytest.mark.parametrize(("is_late", "made"), [(False, {Verb.CLAIM}), (True, {Verb.SEAL})])
def test_idle__claims_by_either_call__and_does_nothing_else(
    tmp_path: Path, is_late: bool, made: set[Verb]
) -> None:
    desk = open_desk(tmp_path, kind=IdleDesk)
    mine = seat(claims_late=is_late)

    assert {verb for verb in Verb if desk.consider(verb, mine, b"call") == b"call"} == made
    assert all(desk.consider(verb, mine, b"call") is None for verb in set(Verb) - made)


def test_copying__no_seal_but_its_own__leaves_no_trace(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, kind=CopyingDesk)
    desk.jobs.add_job(posted())
    desk.jobs.add_logs([job_log("ResultSealed", operator=1, round=0, digest=b"d" * 32)])
    mine = seat(SeatState.CLAIMED)
    desk.seats.add(mine)

    desk.propose(Verb.SEAL, mine, b"call", state=SeatState.SEALING)

    assert list(desk.outbox.entries()) == []
    assert desk.seats.get(mine.key) == mine
    assert desk.consider(Verb.REVEAL, mine, b"call") == b"call"
