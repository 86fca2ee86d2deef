"""The global invariants of a network, read from its chain alone (docs/protocol.md §7).

The checker trusts events for who exists and views for what they have: sums of what people own must
fit what the vaults hold, and every settlement must follow from what was funded and posted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from worker.chain.contracts import Contracts, Event
from worker.chain.endpoints import RpcPool
from worker.chain.wire import parse_logs
from worker.cli.devnet.audit_economy import (
    delegation_differences,
    delegation_owes,
    emission_differences,
    undivided_fees,
)
from worker.protocol.provable_words import reserve
from worker.protocol.words import FINAL, GWEI, NETWORK_TOKEN, SeatOutcome, Terms

VAULTS = ("Staking", "Escrow", "Delegation")
_NOBODY = "0x" + "00" * 20
_WORDS_AT_ONCE = 100


@dataclass(frozen=True)
class Check:
    """One invariant: its number in docs/protocol.md, what was compared, whether it holds, and what
    differs where somebody asked for it by name."""

    invariant: int
    claim: str
    holds: bool
    differs: str = ""


@dataclass
class Audit:
    """All checks of one block, and where every token is, in wei."""

    block: int
    checks: list[Check] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)

    def check(self, invariant: int, claim: str, holds: bool) -> None:
        """Add a check."""
        self.checks.append(Check(invariant, claim, holds))

    def compare(self, invariant: int, claim: str, differences: Sequence[str]) -> None:
        """Add a check that holds when nothing differs."""
        self.checks.append(Check(invariant, claim, not differences, "; ".join(differences)))


class Auditor:
    """Checks one deployment at one block."""

    def __init__(self, contracts: Contracts, rpc: RpcPool) -> None:
        self._contracts = contracts
        self._rpc = rpc

    async def audit(self, block: int) -> Audit:
        """Check everything as of `block`."""
        audit = Audit(block)
        events = await self.events(block)
        await self._supply(audit, events)
        await self._staking(audit)
        await self._escrow(audit, events)
        await self._economy(audit, events)
        _check_batches(audit, events)
        await self._words(audit, events)
        return audit

    async def events(self, block: int) -> list[Event]:
        """Return everything that the contracts have logged up to `block`."""
        addresses = self._contracts.addresses
        request = {"address": addresses, "fromBlock": "0x0", "toBlock": hex(block)}
        logs = await self._rpc.call("eth_getLogs", [request], parse_logs)
        return [event for log in logs if (event := self._contracts.decode_log(log))]

    async def _view(self, audit: Audit, contract: str, name: str, *args: Any) -> Any:
        return await self._contracts.call(contract, name, *args, block=audit.block)

    async def _supply(self, audit: Audit, events: list[Event]) -> None:
        """Every token is held by somebody or was burnt."""
        transfers = [e.args for e in events if (e.contract, e.name) == ("Token", "Transfer")]
        holders = {t[side] for t in transfers for side in ("sender", "receiver")}
        balances = {
            holder: await self._view(audit, "Token", "balanceOf", holder)
            for holder in holders - {_NOBODY}
        }
        minted = sum(t["value"] for t in transfers if t["sender"] == _NOBODY)
        burnt = sum(t["value"] for t in transfers if t["receiver"] == _NOBODY)
        supply = await self._view(audit, "Token", "totalSupply")
        vaults = {name: self._contracts.address(name) for name in VAULTS}
        in_vaults = {name: balances.get(address, 0) for name, address in vaults.items()}
        audit.tokens = {
            "minted": minted,
            "burnt": burnt,
            **in_vaults,
            "wallets": sum(balances.values()) - sum(in_vaults.values()),
        }
        audit.check(1, "balances add up to the supply", sum(balances.values()) == supply)
        audit.check(1, "minted - burnt is the supply", minted - burnt == supply)

    async def _staking(self, audit: Audit) -> None:
        count = await self._view(audit, "Staking", "operator_count")
        total = 0
        for operator in range(1, count + 1):
            stake = (await self._view(audit, "Staking", "operator", operator))[0]
            assets, _ = await self._view(audit, "Delegation", "delegated", operator)
            locked = await self._view(audit, "Staking", "locked_of", operator)
            audit.check(3, f"operator {operator}: locked ≤ stake", locked <= stake + assets)
            total += stake * GWEI
        audit.tokens["stakes"] = total
        audit.check(1, "Staking holds every stake", audit.tokens["Staking"] >= total)

    async def _economy(self, audit: Audit, events: list[Event]) -> None:
        """Pools, income that is not claimed yet, fees and what is minted for them."""
        view = partial(self._view, audit)
        operators = await view("Staking", "operator_count")
        owed = delegation_owes(events)
        audit.check(1, "Delegation holds all that it owes", audit.tokens["Delegation"] >= owed)
        differ = await delegation_differences(view, events, operators)
        audit.compare(1, "pools hold what their events say", differ)
        fees = await undivided_fees(view, operators)
        there = await view("Escrow", "fees_of", NETWORK_TOKEN)
        there += await view("Token", "balanceOf", self._contracts.address("Rewards"))
        audit.check(1, "fees that are not divided yet are there", there >= fees)
        audit.compare(8, "what is minted follows what was burnt", emission_differences(events))

    async def _words(self, audit: Audit, events: list[Event]) -> None:
        """A batch's word is final exactly when an event said so: each task is in one state."""
        ended = {
            (e.args["job"], e.args["batch"])
            for e in events
            if e.name in ("BatchSettled", "BatchClosed") and not e.args.get("contested_mask")
        }
        services = {e.args["job"]: e.contract for e in events if e.name == "JobPosted"}
        for job, terms in _jobs(events).items():
            for first in range(0, terms.batches, _WORDS_AT_ONCE):
                some = range(first, min(first + _WORDS_AT_ONCE, terms.batches))
                calls = [("batch_of", (job, batch)) for batch in some]
                words = await self._contracts.read(services[job], calls, audit.block)
                differ = [
                    f"batch {batch}"
                    for batch, word in zip(some, words, strict=True)
                    if (word >= FINAL) is not ((job, batch) in ended)
                ]
                audit.compare(2, f"job {job.hex()[:8]}: final as its events say", differ)

    async def _escrow(self, audit: Audit, events: list[Event]) -> None:
        owed = await self._view(audit, "Escrow", "fees_of", NETWORK_TOKEN)
        services = {e.args["job"]: e.contract for e in events if e.name == "JobPosted"}
        for key, terms in _jobs(events).items():
            if terms.token == NETWORK_TOKEN:
                service = self._contracts.address(services[key])
                names = (service, terms.token, key, terms.expiry, terms.fee_bps)
                owed += (await self._view(audit, "Escrow", "agreement", *names))[1]
        for payer in {posted["payer"] for posted in _of(events, "JobPosted")}:
            owed += await self._view(audit, "Escrow", "credit_of", payer, NETWORK_TOKEN)
        for operator in range(1, await self._view(audit, "Staking", "operator_count") + 1):
            for view in ("operator_credit", "operator_fees"):
                owed += await self._view(audit, "Escrow", view, operator, NETWORK_TOKEN)
        audit.tokens["owed"] = owed
        audit.check(1, "Escrow holds all that it owes", audit.tokens["Escrow"] >= owed)


def _of(events: Iterable[Event], name: str) -> list[Any]:
    return [event.args for event in events if event.name == name]


def _check_batches(audit: Audit, events: Sequence[Event]) -> None:
    """Final batches stay final; no seat is paid and slashed for one task; paid ≤ funded."""
    jobs = _jobs(events)
    final: set[tuple[bytes, int]] = set()
    prices: dict[tuple[bytes, int], int] = {}
    paid: dict[bytes, int] = defaultdict(int)
    added: dict[bytes, int] = defaultdict(int)
    for event in events:
        if event.name not in ("RoundOpened", "BatchSettled", "BatchClosed", "SeatClaimed"):
            continue
        batch = (event.args["job"], event.args["batch"])
        audit.check(2, f"{_name(batch)}: {event.name} before it was final", batch not in final)
        if event.name == "RoundOpened":
            added[batch[0]] += _added(event, jobs[batch[0]], prices.get(batch))
            prices[batch] = event.args["price"]
        if event.name == "BatchSettled":
            terms = jobs[batch[0]]
            price = prices.get(batch, terms.price)
            for seat in map(SeatOutcome.unpack, event.args["seats"]):
                paid[batch[0]] += seat.paid
                fair = _is_fair(seat, terms, price)
                audit.check(2, f"{_name(batch)}: operator {seat.operator}", fair)
        if event.name.startswith("Batch") and not event.args.get("contested_mask"):
            final.add(batch)
    for job, total in paid.items():
        funded = _funded(jobs[job]) + added[job]
        audit.check(2, f"job {job.hex()[:8]}: paid ≤ funded", total <= funded)


def _jobs(events: Iterable[Event]) -> dict[bytes, Terms]:
    """Return the terms of every job that was posted, by its key."""
    return {
        posted["job"]: Terms.unpack(posted["a"], posted["b"], posted["named"], bytes(32))
        for posted in _of(events, "JobPosted")
    }


def _funded(terms: Terms) -> int:
    """Return what a posting moved into Escrow; only provable jobs have a court's challenge."""
    return reserve(terms, terms.tasks) if terms.challenge else terms.escrow


def _added(opened: Event, terms: Terms, before: int | None) -> int:
    """Return what a round's price adds to the reserve over that of the round before."""
    raised = opened.args["price"] - (terms.price if before is None else before)
    return int(opened.args["mask"].bit_count() * terms.max_seats * raised)


def _is_fair(seat: SeatOutcome, terms: Terms, price: int) -> bool:
    """Whether the tasks that were paid and those whose bond was burnt can be different tasks."""
    paid_tasks = seat.paid // price
    burnt_tasks = seat.burnt // terms.bond
    return paid_tasks + burnt_tasks <= terms.batch_size


def _name(batch: tuple[bytes, int]) -> str:
    return f"job {batch[0].hex()[:8]} batch {batch[1]}"
