"""What must be true of delegation and rewards (docs/protocol.md §9 and §10), for the auditor."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from worker.chain.contracts import Event
from worker.protocol.words import BPS, GWEI

_NOBODY = "0x" + "00" * 20


class View(Protocol):
    """Reads a view of a contract at the block that is checked."""

    async def __call__(self, contract: str, name: str, *args: Any) -> Any:
        """Return what the view returns."""


async def delegation_differences(view: View, events: Iterable[Event], operators: int) -> list[str]:
    """Return where a pool's assets are not what its events add up to."""
    assets: Counter[int] = Counter()
    signs = {"Delegated": 1, "DelegationWithdrawn": -1, "PoolSlashed": -1}
    for event in events:
        if event.contract == "Delegation" and event.name in signs:
            assets[event.args["id"]] += signs[event.name] * event.args["amount"]
    differences = []
    for operator in range(1, operators + 1):
        seen, _ = await view("Delegation", "delegated", operator)
        if seen != assets[operator]:
            differences.append(f"pool {operator}: {seen}, by its events {assets[operator]} gwei")
    return differences


def delegation_owes(events: Iterable[Event]) -> int:
    """Return what Delegation must hold: all pools' assets, and the income nobody claimed, wei."""
    worth = {
        "Delegated": GWEI,
        "DelegationWithdrawn": -GWEI,
        "PoolSlashed": -GWEI,
        "PoolEarned": 1,
        "IncomeClaimed": -1,
    }
    ours = (event for event in events if event.contract == "Delegation" and event.name in worth)
    return sum(int(event.args["amount"]) * worth[event.name] for event in ours)


async def undivided_fees(view: View, operators: int) -> int:
    """Return the fees on what operators were paid that Rewards has yet to divide, in wei."""
    fees = 0
    for operator in range(1, operators + 1):
        fees += await view("Escrow", "fees_paid", operator)
        fees -= await view("Rewards", "booked", operator)
    return fees


def emission_differences(events: Sequence[Event]) -> list[str]:
    """Return what was minted otherwise than by the rules: for each operator and epoch once, the
    closed epoch's part of what was burnt for it; beside the first supply nothing else."""
    burnt: Counter[tuple[int, int]] = Counter()
    rates: dict[int, int] = {}
    claimed: Counter[tuple[int, int]] = Counter()
    differences = []
    for event in events:
        args = event.args
        if event.name == "FeesBurnt":
            burnt[args["id"], args["epoch"]] += args["amount"]
        elif event.name == "EpochClosed":
            rates[args["epoch"]] = args["rate_bps"]
        elif event.name == "EmissionClaimed":
            place = args["id"], args["epoch"]
            fair = burnt[place] * rates.get(args["epoch"], 0) // BPS
            if place in claimed or args["amount"] != fair:
                differences.append(f"operator {place[0]}, epoch {place[1]}: {args['amount']} wei")
            claimed[place] += args["amount"]
    minted = [
        event.args["value"]
        for event in events
        if (event.contract, event.name) == ("Token", "Transfer") and event.args["sender"] == _NOBODY
    ]
    if sum(minted[1:]) != claimed.total():
        differences.append(f"minted {sum(minted[1:])} wei, claimed {claimed.total()}")
    return differences
