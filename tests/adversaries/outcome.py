"""What a run came to: a row for each role, and everything that is not as the protocol says."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.adversaries.holdings import differences
from tests.adversaries.ledger import CONVICTED, UNDELIVERED
from tests.adversaries.replicated import OUTVOTED, SILENT, TIED
from tests.adversaries.show import Show
from worker.chain.endpoints import RpcPool
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.chain.wire import parse_quantity
from worker.cli.devnet.cast.roles import FLOODER, HONEST
from worker.cli.devnet.network import FIRST_OWNER, FIRST_WORKER
from worker.cli.devnet.stage import FIRST_FLOODER
from worker.client.wallet import as_tokens
from worker.protocol.words import GWEI, SeatOutcome, positions

_NEVER_PAID = ("liar", "lazy", "copycat", "griefer")
_AT_ONCE = 16


@dataclass(frozen=True)
class Party:
    """One of the cast. Amounts are wei of the network token, `fees` wei of gas money."""

    name: str
    role: str
    jobs: int
    seats: int
    paid: int
    burnt: int
    why: Mapping[str, int]
    gas: int
    fees: int
    profit: int

    @property
    def loses(self) -> bool:
        """Whether taking part cost it something: tokens, or else gas money for nothing."""
        return self.profit < 0 or (self.profit == 0 and (self.fees > 0 or not self.seats))


async def judge(show: Show) -> tuple[list[Party], list[str]]:
    """Return what became of everybody, and what is not as it should be."""
    gas = await _gas(show.stage.network.requester.pool, *show.blocks)
    parties = [*_operators(show, gas), *_flooders(show, gas)]
    wrong = [*_books(show), *_fates(parties), *await _results(show)]
    return parties, wrong


def unplayed(parties: Sequence[Party]) -> list[str]:
    """Return which attacks were never made: a long run that lacks one shows little."""
    acts = {"liar": (CONVICTED, OUTVOTED), "lazy": (CONVICTED, OUTVOTED), "griefer": (SILENT,)}
    acts |= {"withholder": (UNDELIVERED,), "copycat": (SILENT,)}
    lost = Counter((one.role, reason) for one in parties for reason in one.why)
    played = {one.role for one in parties}
    return [
        f"no {role} lost stake as {reason}"
        for role, reasons in acts.items()
        for reason in reasons
        if role in played and not lost[role, reason]
    ]


def _operators(show: Show, gas: Mapping[str, tuple[int, int]]) -> Iterator[Party]:
    assert show.after is not None
    ledger = show.chronicle.ledger
    claims = [event.args for event in show.chronicle.events if event.name == "SeatClaimed"]
    paid = _paid(show)
    for place, operator in enumerate(show.stage.network.operators):
        number = operator.id
        accounts = [_address(FIRST_OWNER + place), _address(FIRST_WORKER + place)]
        used, fees = gas.get(accounts[1].lower(), (0, 0))
        mine = [claim for claim in claims if claim["operator"] == number]
        why = ledger.why.get(number, Counter())
        yield Party(
            name=operator.name,
            role=show.stage.role(operator),
            jobs=len({claim["job"] for claim in mine}),
            seats=len(mine),
            paid=paid[number],
            burnt=sum(why.values()) * GWEI,
            why={reason: amount * GWEI for reason, amount in why.items()},
            gas=used,
            fees=fees,
            profit=show.after.worth([number], accounts) - show.before.worth([number], accounts),
        )


def _flooders(show: Show, gas: Mapping[str, tuple[int, int]]) -> Iterator[Party]:
    assert show.after is not None
    for place in range(show.plan.cast.flooders):
        account = _address(FIRST_FLOODER + place)
        used, fees = gas.get(account.lower(), (0, 0))
        posted = sum(job.payer == account for job in show.chronicle.ledger.jobs.values())
        profit = show.after.worth([], [account]) - show.before.worth([], [account])
        name = f"{FLOODER}-{place + 1}"
        yield Party(name, FLOODER, posted, 0, 0, 0, {}, used, fees, profit)


def _paid(show: Show) -> Counter[int]:
    """Return what each operator was paid for results, before the fee."""
    paid: Counter[int] = Counter()
    for event in show.chronicle.events:
        if event.name == "BatchSettled":
            for seat in map(SeatOutcome.unpack, event.args["seats"]):
                paid[seat.operator] += seat.paid
    return paid


def _books(show: Show) -> Iterator[str]:
    """Yield what is wrong with the money, and with what must always hold."""
    assert show.after is not None and show.audit is not None
    for check in show.audit.checks:
        if not check.holds:
            yield f"does not hold: {check.claim} {check.differs}"
    yield from differences(show.before, show.after, show.chronicle.ledger)
    yield from (
        f"batch {key[0].hex()[:8]} never ended" for key in show.chronicle.ledger.open_batches
    )
    if len(show.jobs) != show.plan.jobs:
        yield f"{len(show.jobs)} jobs were posted, not {show.plan.jobs}"


def _fates(parties: Sequence[Party]) -> Iterator[str]:
    """Yield which of the cast ended as it should not."""
    for one in parties:
        if one.role == HONEST:
            reasons = set(one.why) - {TIED}
            if reasons:
                yield f"{one.name} is honest and lost stake: {', '.join(reasons)}"
        else:
            if one.role in _NEVER_PAID and one.paid:
                yield f"{one.name}, {one.role}, was paid {as_tokens(one.paid)}"
            if not one.loses:
                yield f"{one.name}, {one.role}, gained {as_tokens(one.profit)}"


async def _results(show: Show) -> list[str]:
    """Return which results are wrong: all of a kind are the same, and one is run again here."""
    wrong: list[str] = []
    for name, values in _standing(show).items():
        if len({task for task, _ in values}) != len(values):
            wrong.append(f"two jobs of kind {name} have different results")
        for job in set(values.values()):
            customer = next(one for one in show.customers if job in one.jobs)
            if not await customer.is_right(job, show.stage.network.folder / "results" / job):
                wrong.append(f"job {job[:8]} of kind {name} has a wrong result")
    hidden = [one for one, shown in show.insisted.items() if shown is not False]
    return wrong + [f"operator {one} showed outputs, and should hide them" for one in hidden]


def _standing(show: Show) -> dict[str, dict[tuple[int, bytes], str]]:
    """Return, by kind, the values of each task that stand somewhere, with a job where they do."""
    standing: dict[str, dict[tuple[int, bytes], str]] = {}
    for event in show.chronicle.events:
        kind = show.jobs.get(event.args["job"].hex()) if event.name == "BatchSettled" else None
        if kind is not None:
            values = standing.setdefault(kind.name, {})
            tasks = positions(event.args["paid_mask"])
            for task, value in zip(tasks, event.args["values"], strict=True):
                values.setdefault((task, value), event.args["job"].hex())
    return standing


async def _gas(pool: RpcPool, first: int, last: int) -> dict[str, tuple[int, int]]:
    """Return the gas that each account used in the blocks behind `first`, and what it cost."""
    total: dict[str, tuple[int, int]] = {}
    for start in range(first + 1, last + 1, _AT_ONCE):
        blocks = range(start, min(start + _AT_ONCE, last + 1))
        asked = (pool.call("eth_getBlockReceipts", [hex(block)], list) for block in blocks)
        for receipts in await asyncio.gather(*asked):
            for receipt in receipts:
                used = parse_quantity(receipt["gasUsed"])
                price = parse_quantity(receipt["effectiveGasPrice"])
                gas, fees = total.get(receipt["from"].lower(), (0, 0))
                total[receipt["from"].lower()] = (gas + used, fees + used * price)
    return total


def _address(account: int) -> str:
    return dev_signer(account, LOCAL_CHAIN_ID).address


def rows(parties: Sequence[Party]) -> list[dict[str, object]]:
    """Return the parties as rows of a table, for people."""
    return [
        {
            "who": one.name,
            "role": one.role,
            "jobs": one.jobs,
            "seats": one.seats,
            "paid": as_tokens(one.paid),
            "burnt": as_tokens(one.burnt),
            "gas": f"{one.gas:,}",
            "profit": as_tokens(one.profit),
        }
        for one in parties
    ]


def as_json(parties: Sequence[Party]) -> list[dict[str, object]]:
    """Return the parties as they are kept."""
    return [asdict(one) for one in parties]
