"""Who can run a job, and why the others cannot: told before anything is signed."""

import asyncio
from dataclasses import dataclass

from worker.chain.standing import Standing, fetch_standing
from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.wallet import as_tokens
from worker.protocol.words import GWEI, Terms
from worker.types import OperatorId, Wei

_AT_ONCE = 16
_ZERO = "0x" + "00" * 20


@dataclass(frozen=True)
class Candidate:
    """One operator. Without reasons against it, it can claim. Endpoint and price are its own
    words: an empty endpoint means that it announces none."""

    operator: OperatorId
    weight: int
    endpoint: str
    asked: Wei
    reasons: tuple[str, ...]

    @property
    def is_eligible(self) -> bool:
        """Whether it can claim a batch now."""
        return not self.reasons


async def fetch_candidates(
    network: Network, terms: Terms, named: tuple[int, ...] = ()
) -> list[Candidate]:
    """Return every operator of the network, as it stands for a job with these terms."""
    count = await network.view("Staking", "operator_count")
    now = (await network.head()).timestamp
    places = asyncio.Semaphore(_AT_ONCE)

    async def candidate(operator: OperatorId) -> Candidate:
        async with places:
            facts = await _facts(network, operator, now)
        reasons = tuple(_reasons(facts, terms))
        if named and operator not in named:
            reasons = ("not named by the job", *reasons)
        return Candidate(operator, facts.weight, facts.endpoint, facts.asked, reasons)

    ids = [OperatorId(number) for number in range(1, count + 1)]
    return list(await asyncio.gather(*map(candidate, ids)))


@dataclass(frozen=True)
class _Facts:
    weight: int
    worker: str
    key_ceiling: int
    standing: Standing
    endpoint: str
    asked: Wei


async def _facts(network: Network, operator: OperatorId, now: int) -> _Facts:
    weight, _ = await network.view("Staking", "weight_at", operator, now)
    worker = await network.view("Staking", "worker_of", operator)
    key = await network.view("Staking", "worker_key", worker)
    profile = await network.view("Registry", "profile_of", operator)
    return _Facts(
        weight=weight,
        worker=worker,
        key_ceiling=key[1],
        standing=await fetch_standing(network.contracts, operator),
        endpoint=profile[0],
        asked=Wei(profile[4]),
    )


def _reasons(facts: _Facts, terms: Terms) -> list[str]:
    bond = terms.bond * min(terms.batch_size, terms.tasks)
    service = Lane.of(terms)
    backing, lane = facts.standing.backing, facts.standing.lanes[service]
    shown = f"the batch's bond of {as_tokens(bond * GWEI)}"
    checks = (
        (facts.weight == 0 and not terms.is_named, "no stake that counts in this epoch"),
        (facts.worker == _ZERO, "no worker key"),
        (lane.ceiling == 0 and not lane.has_left, f"not opted in to {service}"),
        (lane.has_left, f"left {service}"),
        (0 < lane.ceiling < lane.held + bond, f"its ceiling leaves no room for {shown}"),
        (
            facts.worker != _ZERO and facts.key_ceiling < backing.locked + bond,
            f"its key's ceiling leaves no room for {shown}",
        ),
        (backing.room(lane.needs_own) < bond, f"its free stake is below {shown}"),
        (facts.asked > terms.price, f"asks {as_tokens(facts.asked)} per task"),
    )
    return [reason for holds, reason in checks if holds]
