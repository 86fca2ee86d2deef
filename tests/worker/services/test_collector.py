"""What is collected, and when: never twice, never for less than it costs, never what is lost."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.service_actors import open_desk
from worker.services.collector import CollectConfig, Collector
from worker.services.desk import Desk
from worker.services.policy import TokenTerms
from worker.types import Address

TOKEN = 10**18
NOW, LENGTH = 1_010, 100  # the desk's chain time is in epoch 10
FREE = TokenTerms()


class Network:
    """Rewards as one operator sees them: fees that nobody divided, and what epochs burnt."""

    def __init__(self, undivided: int = 0, burnt: dict[int, int] | None = None) -> None:
        self.undivided = undivided
        self.burnt = burnt or {}
        self.closed: dict[int, tuple[int, int]] = {}
        self.convicted_at = 0
        self.owner, self.balance, self.allowance = "0x" + "22" * 20, 0, 0

    async def call(self, contract: str, view: str, *args: Any, **_: Any) -> Any:
        match view:
            case "epoch_length":
                return LENGTH
            case "closed":
                return self.closed.get(args[0], (0, 0))
            case "burnt_of":
                return self.burnt.get(args[0], 0)
        return {
            "fees_paid": self.undivided,
            "operator_fees": 0,
            "booked": 0,
            "burn_bps": 5_000,
            "rate_bps": 5_000,
            "convicted_at": self.convicted_at,
            "owner_of": self.owner,
            "balanceOf": self.balance,
            "allowance": self.allowance,
        }[view]

    async def read_all(self, calls: Any, _: Any) -> list[Any]:
        return [await self.call(contract, view, *args) for contract, view, args in calls]

    async def read(self, contract: str, calls: Any, _: Any) -> list[Any]:
        return [await self.call(contract, view, *args) for view, args in calls]

    def address(self, _: str) -> Address:
        return Address("0x" + "11" * 20)

    def encode(self, _: str, function: str, *args: int) -> bytes:
        return f"{function}{args}".encode()


def _collector(
    folder: Path, network: Network, token: TokenTerms = FREE, compound: bool = False
) -> tuple[Collector, Desk]:
    desk = open_desk(folder)
    desk.chain.contracts = network  # type: ignore[assignment]
    return Collector(desk, CollectConfig(compound=compound), token), desk


async def _asked(collector: Collector, desk: Desk) -> list[str]:
    """Return what is asked for by looking twice: once for each."""
    await collector.tick()
    await collector.tick()
    return [entry.intent.data.decode() for entry in desk.outbox.entries()]


@pytest.mark.parametrize(("undivided", "books"), [(4 * TOKEN, 1), (4 * TOKEN - 1, 0), (0, 0)])
async def test_tick__fees_that_give_enough__booked_once(
    tmp_path: Path, undivided: int, books: int
) -> None:
    # A half of the fees is burnt, and a half of that minted: four give one.
    asked = await _asked(*_collector(tmp_path, Network(undivided)))
    assert asked == ["book(1,)"] * books


@pytest.mark.parametrize(("epoch", "closes"), [(9, 1), (8, 1), (10, 0), (11, 0)])
async def test_tick__an_epoch_that_is_over__closed_once(
    tmp_path: Path, epoch: int, closes: int
) -> None:
    asked = await _asked(*_collector(tmp_path, Network(burnt={epoch: 2 * TOKEN})))
    assert asked == [f"close_epoch({epoch},)"] * closes


@pytest.mark.parametrize(("vests_at", "claims"), [(NOW - 1, 1), (NOW, 1), (NOW + 1, 0)])
async def test_tick__an_epoch_closed_by_somebody__claimed_once_it_vests(
    tmp_path: Path, vests_at: int, claims: int
) -> None:
    network = Network(burnt={9: 2 * TOKEN})
    network.closed[9] = 5_000, vests_at
    assert await _asked(*_collector(tmp_path, network)) == ["claim(1, 9)"] * claims


@pytest.mark.parametrize(("convicted_at", "claims"), [(899, 1), (900, 0), (1_000, 0)])
async def test_tick__convicted_since_the_epoch_began__not_claimed(
    tmp_path: Path, convicted_at: int, claims: int
) -> None:
    network = Network(burnt={9: 2 * TOKEN})
    network.closed[9], network.convicted_at = (5_000, 1), convicted_at
    assert await _asked(*_collector(tmp_path, network)) == ["claim(1, 9)"] * claims


async def test_tick__closed_here_long_ago__still_claimed(tmp_path: Path) -> None:
    network = Network(burnt={9: 2 * TOKEN})
    collector, desk = _collector(tmp_path, network)
    await collector.tick()
    network.closed[9] = 5_000, NOW + 80 * LENGTH
    head = desk.chain.head
    assert head is not None
    later = type(head)(**{**vars(head), "timestamp": NOW + 80 * LENGTH})
    desk.chain.head = later
    await collector.tick()
    asked = [entry.intent.data.decode() for entry in desk.outbox.entries()]
    assert asked == ["close_epoch(9,)", "claim(1, 9)"]


async def test_tick__gas_dearer_than_what_comes__waits(tmp_path: Path) -> None:
    network = Network(4 * TOKEN, {9: 2 * TOKEN})
    collector, desk = _collector(tmp_path, network, TokenTerms(value=Decimal("0.000001")))
    head = desk.chain.head
    assert head is not None
    for base_fee, asks in ((10**10, 0), (10**5, 2)):
        desk.chain.head = type(head)(**{**vars(head), "base_fee": base_fee})
        await collector.tick()
        assert len(desk.outbox.entries()) == asks


async def test_tick__own_key_that_compounds__allows_then_stakes_whole_gwei(tmp_path: Path) -> None:
    network = Network()
    collector, desk = _collector(tmp_path, network, compound=True)
    network.owner, network.balance = desk.identity.worker, 5 * TOKEN + 1
    staking = network.address("Staking")
    assert await _asked(collector, desk) == [f"approve('{staking}', {5 * TOKEN})"]
    network.allowance = 5 * TOKEN
    asked = await _asked(collector, desk)
    assert len(asked) == 2 and asked[1].startswith(f"stake(1, {5 * TOKEN}, (0, 0, ")


@pytest.mark.parametrize(("compound", "is_owner", "balance"), [
    (False, True, 5 * TOKEN), (True, False, 5 * TOKEN), (True, True, TOKEN - 1),
])  # fmt: skip
async def test_tick__not_asked_for_or_not_the_owner_or_too_little__stakes_nothing(
    tmp_path: Path, compound: bool, is_owner: bool, balance: int
) -> None:
    network = Network()
    collector, desk = _collector(tmp_path, network, compound=compound)
    network.balance = balance
    if is_owner:
        network.owner = desk.identity.worker
    assert await _asked(collector, desk) == []
