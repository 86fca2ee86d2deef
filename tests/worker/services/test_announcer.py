"""The lease is renewed once for each reason: half of it is over, or the endpoint is another."""

from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import open_desk
from worker.services.announcer import Announcer, ProfileConfig
from worker.services.desk import Desk
from worker.types import Address

HOME, AWAY = "https://home.example", "https://away.example"
LEASE = 4_000
NOW = 1_010  # the desk's chain time


class Registry:
    """Shows one profile, and takes any announcement."""

    def __init__(self, endpoint: str, expires_at: int) -> None:
        self.profile = (endpoint, expires_at)

    async def call(self, *_: Any) -> tuple[str, int]:
        return self.profile

    def address(self, _: str) -> Address:
        return Address("0x" + "11" * 20)

    def encode(self, *_: Any) -> bytes:
        return b""


def _announcer(folder: Path, registry: Registry) -> tuple[Announcer, Desk]:
    desk = open_desk(folder)
    desk.chain.contracts = registry  # type: ignore[assignment]
    return Announcer(desk, ProfileConfig(lease_seconds=LEASE), HOME), desk


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
    registry.profile = (AWAY, NOW + LEASE)
    await announcer.tick()
    assert len(desk.outbox.entries()) == 2
