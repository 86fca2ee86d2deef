"""Proposals: what is voted on, and what anybody can do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from worker.chain.contracts import Contracts, Event
from worker.chain.standing import fetch_standing
from worker.client.calls import Call, describe
from worker.client.network import Network
from worker.client.operator import fetch_operator
from worker.client.wallet import Wallet
from worker.errors import NotFoundError, UsageError
from worker.protocol.outbox import OutboxEntry
from worker.types import Gwei, OperatorId, Timestamp


class Support(IntEnum):
    """A vote."""

    FOR = 0
    AGAINST = 1
    ABSTAIN = 2


class State(IntEnum):
    """How far a proposal is, in the contract's numbers."""

    PENDING = 0
    ACTIVE = 1
    CANCELED = 2
    DEFEATED = 3
    SUCCEEDED = 4
    QUEUED = 5
    EXECUTED = 6
    EXPIRED = 7


@dataclass(frozen=True)
class Proposal:
    """One proposal as it stands. Votes are gwei of stake; `ready_at` is 0 until it is queued."""

    number: int
    state: State
    operator: OperatorId
    description: str
    calls: tuple[Call, ...]
    votes_for: Gwei
    votes_against: Gwei
    votes_abstain: Gwei
    quorum: Gwei
    opens_at: Timestamp
    closes_at: Timestamp
    ready_at: Timestamp


async def list_proposals(wallet: Wallet) -> list[Proposal]:
    """Return every proposal, the newest first."""
    return [await _proposal(wallet, event) for event in reversed(await _proposed(wallet))]


async def fetch_proposal(wallet: Wallet, number: int) -> Proposal:
    """Return one proposal. Raises NotFoundError."""
    found = await _proposed(wallet, number)
    if not found:
        raise NotFoundError(f"there is no proposal {number}")
    return await _proposal(wallet, found[0])


async def sync_votes(wallet: Wallet, operator: OperatorId) -> Gwei:
    """Bring an operator's votes up to its stake and what was delegated to it; return them, in gwei.

    Raises NotFoundError.
    """
    await fetch_operator(wallet, operator)
    await wallet.send("Staking", "sync_votes", operator)
    return (await fetch_standing(wallet.contracts, operator)).backing.votes


async def propose(
    wallet: Wallet, operator: OperatorId, calls: Sequence[Call], description: str
) -> int:
    """Propose calls with the votes of an operator that the wallet owns; return the number.

    Raises RevertedError with the Governor's reason.
    """
    targets, payloads = [call.target for call in calls], [call.data for call in calls]
    entry = await wallet.send("Governor", "propose", operator, targets, payloads, description)
    logged = await wallet.events_of(entry)
    return int(next(event for event in logged if event.name == "Proposed").args["number"])


async def vote(wallet: Wallet, number: int, operator: OperatorId, support: Support) -> Gwei:
    """Vote with all that the operator had staked; return how much that was, in gwei."""
    return await voted(
        wallet, await wallet.send("Governor", "vote", number, operator, int(support))
    )


async def voted(wallet: Wallet, entry: OutboxEntry) -> Gwei:
    """Return how many votes a transaction cast, in gwei."""
    logged = await wallet.events_of(entry)
    return Gwei(next(event for event in logged if event.name == "Voted").args["votes"])


async def cancel(wallet: Wallet, number: int) -> None:
    """Call a proposal off. Raises RevertedError for who may not, or when it is too late."""
    await wallet.send("Governor", "cancel", number)


async def queue(wallet: Wallet, number: int) -> Timestamp:
    """Give a proposal that passed to the Timelock; return when it can be executed."""
    await _send_calls(wallet, number, "queue")
    return (await fetch_proposal(wallet, number)).ready_at


async def execute(wallet: Wallet, number: int) -> None:
    """Have a queued proposal's calls made, all or none."""
    await _send_calls(wallet, number, "execute")


async def _send_calls(wallet: Wallet, number: int, function: str) -> None:
    calls = (await fetch_proposal(wallet, number)).calls
    targets, payloads = [call.target for call in calls], [call.data for call in calls]
    await wallet.send("Governor", function, number, targets, payloads)


async def _proposed(wallet: Wallet, number: int | None = None) -> list[Event]:
    if "Governor" not in wallet.deployment.contracts:
        raise UsageError("this network has no Governor: it was deployed before votes were")
    network = Network(wallet.pool, wallet.contracts)
    topics: list[bytes | None] = [wallet.contracts.topic("Governor", "Proposed")]
    if number is not None:
        topics.append(number.to_bytes(32, "big"))
    head = await network.head()
    return await network.logs(topics, wallet.deployment.block, head.number)


async def _proposal(wallet: Wallet, event: Event) -> Proposal:
    number = event.args["number"]
    found = await wallet.call("Governor", "proposal", number)
    votes_for, votes_against, votes_abstain, opens_at, closes_at = found[:5]
    operator, quorum, ready_at = found[5:8]
    return Proposal(
        number=number,
        state=State(await wallet.call("Governor", "state", number)),
        operator=OperatorId(operator),
        description=_printable(event.args["description"]),
        calls=_calls(wallet.contracts, event),
        votes_for=Gwei(votes_for),
        votes_against=Gwei(votes_against),
        votes_abstain=Gwei(votes_abstain),
        quorum=Gwei(quorum),
        opens_at=Timestamp(opens_at),
        closes_at=Timestamp(closes_at),
        ready_at=Timestamp(ready_at),
    )


def _calls(contracts: Contracts, event: Event) -> tuple[Call, ...]:
    pairs = zip(event.args["targets"], event.args["payloads"], strict=True)
    return tuple(describe(contracts, target, data) for target, data in pairs)


def _printable(text: str) -> str:
    """Return a stranger's text without what would steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
