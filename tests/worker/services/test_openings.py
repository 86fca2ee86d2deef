"""When a worker tells its opening: never while somebody could still copy it."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from worker.protocol.openings import NoOpening, Opening
from worker.services.openings import Openings
from worker.storage.seats import Seat, SeatKey, SeatState
from worker.types import BatchIndex, Gwei, JobKey, OperatorId, Timestamp, Wei

JOB = JobKey(b"\xab" * 32)
BATCH = BatchIndex(3)
OPENING = Opening(OperatorId(7), 2, (b"\x01" * 32,), b"\x03" * 32)
SEAT = Seat(
    key=SeatKey(JOB, BATCH, 2),
    state=SeatState.SEALED,
    mask=1,
    is_growth=False,
    claims_late=False,
    claim_from=Timestamp(0),
    bond=Gwei(1),
    price=Wei(1),
    opened_at=Timestamp(0),
)


@dataclass
class Desk:
    """The stored seats and the confirmed round, as a test sets them."""

    stored: list[Seat]
    round: SimpleNamespace
    service: str = "ReplicatedJobs"

    def __post_init__(self) -> None:
        self.lane = SimpleNamespace(service="ReplicatedJobs")
        self.jobs = SimpleNamespace(get=lambda job: SimpleNamespace(service=self.service))
        self.seats = SimpleNamespace(of_batch=lambda job, batch: self.stored)
        self.identity = SimpleNamespace(operator=OPENING.operator)

    async def confirmed(self, _: Seat) -> SimpleNamespace:
        return self.round

    def values(self, _: Seat) -> list[bytes]:
        return list(OPENING.values)

    def salt(self, _: SeatKey) -> bytes:
        return OPENING.salt


async def told(seats: list[Seat], number: int, all_sealed: bool) -> Opening | NoOpening:
    desk = Desk(seats, SimpleNamespace(number=number, all_sealed=all_sealed))
    return await Openings(desk, None, None).opening(JOB, BATCH)


async def test_opening__a_seat_of_another_lane__is_nobodys_business():
    desk = Desk([SEAT], SimpleNamespace(number=2, all_sealed=True), service="ProvableJobs")
    assert await Openings(desk, None, None).opening(JOB, BATCH) is NoOpening.UNKNOWN


async def test_opening__round_sealed_by_all__is_told():
    assert await told([SEAT], 2, True) == OPENING


@pytest.mark.parametrize(("number", "all_sealed"), [(2, False), (1, True), (3, False), (3, True)])
async def test_opening__round_open_or_not_the_confirmed_one__is_too_early(number, all_sealed):
    assert await told([SEAT], number, all_sealed) is NoOpening.TOO_EARLY


@pytest.mark.parametrize("state", [SeatState.RAN, SeatState.SEALING, SeatState.VOID])
async def test_opening__seal_not_confirmed__is_unknown(state):
    assert await told([replace(SEAT, state=state)], 2, True) is NoOpening.UNKNOWN
