"""What keeps the worker from new work, and when a drain is over."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.worker.services.service_actors import ME, open_desk, posted, seat
from worker.chain.sender import SenderStatus
from worker.health import Health, Reason
from worker.services.caretaker import Caretaker, look_at_bond
from worker.services.desk import Desk
from worker.storage.seats import SeatState
from worker.types import Address, Wei

NEEDED = 100


@dataclass
class Staking:
    """What the contract says of the worker key."""

    operator: int = ME
    ceiling: int = 1
    asked: list[str] = field(default_factory=list)

    async def call(self, _: str, view: str, *args: Any) -> Any:
        self.asked.append(view)
        return self.operator if view == "operator_of" else (self.ceiling, 0, 0)

    def address(self, _: str) -> Address:
        return Address("0x" + "11" * 20)


class Ground:
    """A caretaker over a real desk; the rest is what a test says it is."""

    def __init__(self, folder: Path) -> None:
        self.desk: Desk[Any] = open_desk(folder)
        self.desk.jobs.add_job(posted())
        self.staking = Staking()
        self.desk.chain.contracts = self.staking  # type: ignore[assignment]
        self.health = Health()
        self.pool = SimpleNamespace(head_age=0.0, status=lambda: [])
        self.watcher = SimpleNamespace(trouble=None, is_caught_up=True)
        self.sending = SimpleNamespace(status=self.status(NEEDED))
        self.stop = asyncio.Event()
        parts: Any = ([self.desk], self.pool, self.health, self.watcher, self.sending)
        self.caretaker = Caretaker(*parts, folder, 1, NEEDED, 60.0, self.stop)

    @staticmethod
    def status(balance: int, *reasons: Reason) -> SenderStatus:
        return SenderStatus(Wei(balance), 0, 0, frozenset(reasons), (), ())


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


async def test_tick__all_is_well__ready(ground: Ground) -> None:
    assert list(ground.health.reasons) == [Reason.STARTING]
    await ground.caretaker.tick()
    assert ground.health.is_ready


@pytest.mark.parametrize(
    ("balance", "reasons", "poor"),
    [
        (NEEDED - 1, (), True),
        (NEEDED, (), False),
        (NEEDED + 1, (), False),
        (NEEDED, (Reason.GAS_MONEY,), True),
    ],
)
async def test_tick__gas_money__below_the_minimum_or_lacking(
    ground: Ground, balance: int, reasons: tuple[Reason, ...], poor: bool
) -> None:
    ground.sending.status = ground.status(balance, *reasons)
    await ground.caretaker.tick()
    assert (Reason.GAS_MONEY in ground.health.reasons) is poor


@pytest.mark.parametrize(("age", "stale"), [(59.0, False), (60.0, False), (61.0, True)])
async def test_tick__head_stands_still__stale(ground: Ground, age: float, stale: bool) -> None:
    ground.pool.head_age = age
    await ground.caretaker.tick()
    assert (Reason.STALE_HEAD in ground.health.reasons) is stale


async def test_tick__the_bond__asked_for_now_and_then(ground: Ground) -> None:
    await ground.caretaker.tick()
    assert ground.staking.asked == []
    for operator, ceiling, is_lost in ((2, 1, True), (ME, 1, False), (ME, 0, True)):
        ground.staking.operator, ground.staking.ceiling = operator, ceiling
        ground.caretaker._bond_asked_at -= 60
        await ground.caretaker.tick()
        assert (Reason.UNBONDED in ground.health.reasons) is is_lost
        assert ("node stake" in ground.health.reasons.get(Reason.UNBONDED, "")) is is_lost


async def test_look_at_bond__one_service_of_two__the_other_is_left_alone(ground: Ground) -> None:
    provable = SimpleNamespace(**vars(ground.desk))
    provable.lane, provable.service = SimpleNamespace(service="ProvableJobs"), "0xp"

    async def call(_: str, view: str, *args: Any) -> Any:
        return ME if view == "operator_of" else (0 if args[1] == "0xp" else 5, 0, 0)

    ground.staking.call = call  # type: ignore[method-assign]
    assert await look_at_bond([ground.desk, provable], ground.health) is None
    ground.health.report(Reason.STARTING, False)
    assert ground.health.is_ready
    assert ground.health.may_take("ReplicatedJobs")
    assert not ground.health.may_take("ProvableJobs")


async def test_drain__seats_in_flight__stops_when_they_ended(ground: Ground) -> None:
    held = seat(SeatState.SEALED)
    ground.desk.seats.add(held)
    ground.caretaker.drain()
    await ground.caretaker.tick()
    assert Reason.DRAINING in ground.health.reasons
    assert not ground.stop.is_set()

    ground.desk.seats.move(held.key, SeatState.SETTLED)
    await ground.caretaker.tick()
    assert ground.stop.is_set()
