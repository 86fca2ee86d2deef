"""Which batches this operator's tickets win, and from when."""

from collections.abc import Iterable
from dataclasses import dataclass

from worker.errors import RevertedError
from worker.protocol.sortition import eligible_from, ticket
from worker.services.chain_view import ChainView
from worker.services.lane import AnyLane, Running, Seed
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, OperatorId, Timestamp

_REACH = 256  # how far back the chain can read a block's hash
_LAPSES = 2


@dataclass(frozen=True, order=True)
class Draw:
    """A batch that may be claimed from `claim_from` on."""

    claim_from: Timestamp
    batch: BatchIndex


async def draw(
    chain: ChainView,
    lane: AnyLane,
    job: PostedJob,
    round_: Running,
    batches: Iterable[BatchIndex],
    who: OperatorId,
) -> list[Draw] | None:
    """Return the batches that `who` may claim in rounds like `round_`, the earliest first.

    All batches of first rounds share one seed. None while the seed is not there yet. Where the
    operators are named nobody draws.
    """
    numbers = list(batches)
    if round_.is_named:
        return [Draw(Timestamp(round_.clock.opened_at), batch) for batch in numbers]
    seed = await _value(chain, await lane.seed(chain.contracts, job, numbers[0], round_))
    if seed is None:
        return None
    try:
        weight, total = await chain.contracts.call(
            "Staking", "weight_at", who, round_.clock.opened_at
        )
    except RevertedError:  # the epoch is too old to be asked about
        return []
    found = []
    for batch in numbers:
        drawn = ticket(seed, job.job, batch, who)
        at = eligible_from(drawn, round_.clock, round_.seats, weight, total)
        if at is not None:
            found.append(Draw(Timestamp(at), batch))
    return sorted(found)


async def _value(chain: ChainView, seed: Seed) -> int | None:
    if seed.value:
        return seed.value
    height, source = seed.height, chain.seed_source
    current = await chain.contracts.call(source, "height")
    for _ in range(_LAPSES):
        if current > height + _REACH:
            height += _REACH
    if not height < current <= height + _REACH:
        return None
    hash_: bytes = await chain.contracts.call(source, "hash_of", height)
    return int.from_bytes(hash_, "big") & ((1 << seed.bits) - 1)
