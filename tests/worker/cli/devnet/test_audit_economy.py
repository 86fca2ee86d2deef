"""What the auditor says about pools and emissions that are not as their events tell."""

from typing import Any

import pytest

from worker.chain.contracts import Event
from worker.cli.devnet.audit_economy import (
    delegation_differences,
    delegation_owes,
    emission_differences,
    undivided_fees,
)
from worker.protocol.words import GWEI

NOBODY = "0x" + "00" * 20
SUPPLY = 10**24


def event(contract: str, name: str, **args: Any) -> Event:
    return Event(name, contract, args, 1, bytes(32), bytes(32), 0)


def mint(value: int) -> Event:
    return event("Token", "Transfer", sender=NOBODY, receiver="0x1", value=value)


def burnt(operator: int, epoch: int, amount: int) -> Event:
    return event("Rewards", "FeesBurnt", id=operator, epoch=epoch, amount=amount)


def closed(epoch: int, rate: int = 5_000) -> Event:
    return event("Rewards", "EpochClosed", epoch=epoch, burnt=0, rate_bps=rate, vests_at=9)


def claim(operator: int, epoch: int, amount: int) -> list[Event]:
    args = {"id": operator, "epoch": epoch, "amount": amount, "delegated": 0}
    return [mint(amount), event("Rewards", "EmissionClaimed", **args)]


BOOKED = [mint(SUPPLY), burnt(1, 7, 101), burnt(2, 7, 40), burnt(1, 7, 1), closed(7)]


def test_emission__as_the_rules_say__nothing_differs() -> None:
    assert emission_differences([*BOOKED, *claim(1, 7, 51), *claim(2, 7, 20)]) == []


@pytest.mark.parametrize(
    "events",
    [
        claim(1, 7, 52),
        claim(1, 7, 51) + claim(1, 7, 51),
        claim(1, 8, 51),
        claim(3, 7, 1),
        [mint(1)],
        claim(1, 7, 51)[1:],
    ],
    ids=["too much", "twice", "not closed", "nothing burnt", "minted beside", "never minted"],
)
def test_emission__against_the_rules__named(events: list[Event]) -> None:
    assert len(emission_differences([*BOOKED, *events])) >= 1


POOL = [
    event("Delegation", "Delegated", id=1, amount=100, shares=100),
    event("Delegation", "PoolSlashed", id=1, amount=30),
    event("Delegation", "DelegationWithdrawn", id=1, amount=20, shares=29),
    event("Delegation", "PoolEarned", id=1, amount=7),
    event("Delegation", "IncomeClaimed", id=1, amount=3),
]


class Views:
    """Views with fixed answers, by contract, function and arguments."""

    def __init__(self, answers: dict[tuple[Any, ...], Any]) -> None:
        self._answers = answers

    async def __call__(self, contract: str, name: str, *args: Any) -> Any:
        return self._answers[contract, name, *args]


async def test_pools__as_their_events_say__nothing_differs() -> None:
    views = Views(
        {("Delegation", "delegated", 1): (50, 50), ("Delegation", "delegated", 2): (0, 0)}
    )
    assert await delegation_differences(views, POOL, 2) == []
    assert delegation_owes(POOL) == 50 * GWEI + 4


async def test_pools__more_or_less_than_their_events_say__named() -> None:
    views = Views({("Delegation", "delegated", 1): (51, 0), ("Delegation", "delegated", 2): (1, 0)})
    differ = await delegation_differences(views, POOL, 2)
    assert differ == [
        "pool 1: 51, by its events 50 gwei",
        "pool 2: 1, by its events 0 gwei",
    ]


async def test_fees__paid_and_not_booked__are_left_to_divide() -> None:
    views = Views(
        {
            ("Escrow", "fees_paid", 1): 10,
            ("Rewards", "booked", 1): 4,
            ("Escrow", "fees_paid", 2): 3,
            ("Rewards", "booked", 2): 3,
        }
    )
    assert await undivided_fees(views, 2) == 6
