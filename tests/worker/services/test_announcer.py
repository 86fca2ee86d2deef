"""The lease is renewed once for each reason: half of it is over, or something is announced anew."""

from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import open_desk
from worker.protocol.capabilities import Capability
from worker.services.announcer import Announcer, ProfileConfig
from worker.services.desk import Desk
from worker.types import Address

HOME, AWAY = "https://home.example", "https://away.example"
LEASE = 4_000
ABLE = Capability.WASM | Capability.TENSOR
NOW = 1_010  # the desk's chain time


class Registry:
    """Shows one profile, and takes any announcement."""

    def __init__(self, endpoint: str, expires_at: int, capabilities: int = ABLE) -> None:
        self.profile = (endpoint, capabilities, expires_at)

    async def call(self, *_: Any) -> tuple[str, int, int]:
        return self.profile

    def address(self, _: str) -> Address:
        return Address("0x" + "11" * 20)

    def encode(self, *arguments: Any) -> bytes:
        self.announced = arguments
        return b""


def _announcer(folder: Path, registry: Registry) -> tuple[Announcer, Desk]:
    desk = open_desk(folder)
    desk.chain.contracts = registry  # type: ignore[assignment]
    return Announcer(desk, ProfileConfig(lease_seconds=LEASE), HOME, ABLE), desk


@pytest.mark.parametrize(
    ("endpoint", "left", "announced"),
    [
        ("", 0, 1),
        (HOME, LEASE, 0),
        (HOME, LEASE // 2 + 1, 0),
        (HOME, LEASE // 2, 1),
        (HOME, LEASE // 2 - 1, 1),
        (AWAY, LEASE, 1),
    ],
)
async def test_tick__what_the_chain_shows__announces_once_where_it_must(
    tmp_path: Path, endpoint: str, left: int, announced: int
) -> None:
    announcer, desk = _announcer(tmp_path, Registry(endpoint, NOW + left))
    await announcer.tick()
    await announcer.tick()
    assert len(desk.outbox.entries()) == announced


async def test_tick__away_and_back_again__announces_anew(tmp_path: Path) -> None:
    registry = Registry("", 0)
    announcer, desk = _announcer(tmp_path, registry)
    await announcer.tick()
    registry.profile = (AWAY, ABLE, NOW + LEASE)
    await announcer.tick()
    assert len(desk.outbox.entries()) == 2


@pytest.mark.parametrize(("shown", "announced"), [(ABLE, 0), (0, 1), (ABLE | Capability.GPU, 1)])
async def test_tick__other_capabilities_shown__announces_these(
    tmp_path: Path, shown: int, announced: int
) -> None:
    registry = Registry(HOME, NOW + LEASE, shown)
    announcer, desk = _announcer(tmp_path, registry)
    await announcer.tick()
    assert len(desk.outbox.entries()) == announced
    if announced:
        assert registry.announced[4] == 3
