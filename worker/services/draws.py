"""Which batches this operator's tickets win, and from when."""

from collections.abc import Iterable
from dataclasses import dataclass

from worker.errors import RevertedError
from worker.protocol.sortition import eligible_from, ticket
from worker.services.rounds import FIRST_ROUND, ChainView, Round
from worker.storage.jobs import PostedJob
from worker.types import BatchIndex, OperatorId, Timestamp

SEED_BITS_FIRST = 192
SEED_BITS_LATER = 96
_REACH = 256  # how far back the chain can read a block's hash
_LAPSES = 2


@dataclass(frozen=True, order=True)
class Draw:
    """A batch that may be claimed from `claim_from` on."""

    claim_from: Timestamp
    batch: BatchIndex


async def draw(
    chain: ChainView, job: PostedJob, round_: Round, batches: Iterable[BatchIndex], who: OperatorId
) -> list[Draw] | None:
    """Return the batches that `who` may claim in rounds like `round_`, the earliest first.

    All batches of first rounds share one seed. None while the seed is not there yet. Where the
    operators are named nobody draws.
    """
    if round_.terms.is_named:
        return [Draw(Timestamp(round_.clock.opened_at), batch) for batch in batches]
    seed = await _seed(chain, job, round_)
    if seed is None:
        return None
    try:
        weight, total = await chain.contracts.call(
            "Staking", "weight_at", who, round_.clock.opened_at
        )
    except RevertedError:  # the epoch is too old to be asked about
        return []
    found = []
    for batch in batches:
        drawn = ticket(seed, job.job, batch, who)
        at = eligible_from(drawn, round_.clock, round_.seats, weight, total)
        if at is not None:
            found.append(Draw(Timestamp(at), batch))
    return sorted(found)


async def _seed(chain: ChainView, job: PostedJob, round_: Round) -> int | None:
    stored, height = await chain.captured_seed(job, round_)
    if stored:
        return stored
    bits = SEED_BITS_FIRST if round_.number == FIRST_ROUND else SEED_BITS_LATER
    source = chain.seed_source
    current = await chain.contracts.call(source, "height")
    for _ in range(_LAPSES):
        if current > height + _REACH:
            height += _REACH
    if not height < current <= height + _REACH:
        return None
    hash_: bytes = await chain.contracts.call(source, "hash_of", height)
    return int.from_bytes(hash_, "big") & ((1 << bits) - 1)
