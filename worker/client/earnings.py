"""What an operator's work came to: by job out of its worker's database, the rest from the chain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from worker.chain.contracts import Event
from worker.client.network import Network
from worker.protocol.outbox import OutboxEntry
from worker.protocol.words import BPS, GWEI, NETWORK_TOKEN, Origin, Terms
from worker.storage.database import Database
from worker.storage.jobs import JobStore, PostedJob
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import Earning, SeatStore
from worker.types import JobKey, OperatorId, Timestamp, Wei

_SLASHES = ("StakeBurnt", "StakeConvicted", "StandingForfeited")


@dataclass(frozen=True)
class JobIncome:
    """What one job came to. `paid` is before the fee, in wei of token `token`; `burnt` wei of the
    network token; `gas` wei of the chain's coin, of this worker's transactions about the job."""

    job: JobKey
    service: str
    token: int
    batches: int
    paid: Wei
    fee: Wei
    burnt: Wei
    gas: Wei

    @property
    def net(self) -> Wei:
        """What was credited."""
        return Wei(self.paid - self.fee)


@dataclass(frozen=True)
class Emission:
    """What an epoch gives an operator: `amount` wei, once it has vested; 0 until it is closed."""

    epoch: int
    amount: Wei
    vests_at: Timestamp
    is_claimed: bool


@dataclass(frozen=True)
class Earnings:
    """An operator's account, in wei of the network token unless said.

    `paid_out` is what left Escrow, `waiting` what has not; `to_delegators` is their part of what
    was paid out and minted. `slashed` is of its own stake, `pool_slashed` of what was delegated to
    it. `gas` is what its worker has spent, in wei of the chain's coin.
    """

    jobs: Sequence[JobIncome]
    paid_out: Wei
    waiting: Wei
    to_delegators: Wei
    fees_burnt: Wei
    minted: Wei
    emissions: Sequence[Emission]
    slashed: Wei
    pool_slashed: Wei
    gas: Wei


async def fetch_earnings(network: Network, database: Database, operator: OperatorId) -> Earnings:
    """Return what the operator whose worker keeps this database has earned. Raises RpcError."""
    head = await network.head()
    first, word = network.contracts.deployment.block, operator.to_bytes(32, "big")
    events = await network.logs([None, word], first, head.number)
    slashed = _sum(events, *_SLASHES) * GWEI
    pool_slashed = _sum(events, "PoolSlashed") * GWEI
    outbox = SqliteOutbox(database)
    return Earnings(
        jobs=jobs_of(database),
        paid_out=Wei(_sum(_in_network_token(events), "OperatorCreditWithdrawn")),
        waiting=Wei(await network.view("Escrow", "operator_credit", operator, NETWORK_TOKEN)),
        to_delegators=Wei(_sum(events, "PoolEarned")),
        fees_burnt=Wei(_sum(events, "FeesBurnt")),
        minted=Wei(_sum(events, "EmissionClaimed")),
        emissions=await _emissions(network, operator, events),
        slashed=Wei(slashed - pool_slashed),
        pool_slashed=Wei(pool_slashed),
        gas=Wei(outbox.total_fees()),
    )


def jobs_of(database: Database) -> list[JobIncome]:
    """Return what each job came to in which this worker had a seat, the oldest first."""
    jobs, earned = JobStore(database), SeatStore(database).earnings_by_job()
    gas = _gas_by_job(SqliteOutbox(database).entries())
    return [
        _income(job, earned[job.job], gas.get(job.job, 0))
        for job in jobs.posted()
        if job.job in earned
    ]


def _income(job: PostedJob, earned: Sequence[Earning], gas: int) -> JobIncome:
    origin = Origin(job.nonce, job.program, job.inputs, job.manifest)
    terms = Terms.unpack(job.a, job.b, job.named, origin.digest(job.payer))
    return JobIncome(
        job=job.job,
        service=job.service,
        token=terms.token,
        batches=len(earned),
        paid=Wei(sum(one.paid for one in earned)),
        fee=Wei(sum(one.paid * terms.fee_bps // BPS for one in earned)),
        burnt=Wei(sum(one.burnt for one in earned) * GWEI),
        gas=Wei(gas),
    )


def _gas_by_job(entries: Iterable[OutboxEntry]) -> dict[bytes, int]:
    """Return what transactions about each job have cost: their names say which it was."""
    spent: dict[bytes, int] = {}
    for entry in entries:
        words = entry.intent.purpose.split(":")
        if entry.inclusion is not None and len(words) > 1 and len(words[1]) == 64:
            key = bytes.fromhex(words[1])
            spent[key] = spent.get(key, 0) + entry.inclusion.fee
    return spent


async def _emissions(
    network: Network, operator: OperatorId, events: Iterable[Event]
) -> list[Emission]:
    """Return what each epoch gave or will give in which something was burnt for the operator."""
    claimed = {e.args["epoch"]: e.args["amount"] for e in events if e.name == "EmissionClaimed"}
    found = []
    for epoch in sorted({e.args["epoch"] for e in events if e.name == "FeesBurnt"}):
        rate_bps, vests_at = await network.view("Rewards", "closed", epoch)
        left = await network.view("Rewards", "burnt_of", epoch, operator)
        amount = claimed.get(epoch, left * rate_bps // BPS)
        found.append(Emission(epoch, Wei(amount), Timestamp(vests_at), epoch in claimed))
    return found


def _in_network_token(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.args.get("token") == NETWORK_TOKEN]


def _sum(events: Iterable[Event], *names: str) -> int:
    amounts: list[Any] = [event.args["amount"] for event in events if event.name in names]
    return int(sum(amounts))
