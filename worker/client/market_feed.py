"""The markets of a network, from its events of late."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from worker.chain.contracts import Event
from worker.chain.endpoint import Request
from worker.chain.wire import parse_block
from worker.client.lane import Lane
from worker.client.market import Market, summarise
from worker.client.market_rounds import read_rounds
from worker.client.network import Network
from worker.protocol import capabilities
from worker.types import OperatorId, Seconds, Timestamp

_T = TypeVar("_T")
_AT_ONCE = 100  # requests to an endpoint in one batch

_MOVES = {
    Lane.REPLICATED: ("SeatClaimed", "RoundOpened", "BatchSettled", "BatchClosed"),
    Lane.PROVABLE: ("SeatForfeited", "OperatorConvicted"),  # and those above
}


async def fetch_markets(
    network: Network, last: Seconds, program: bytes | None = None
) -> list[Market]:
    """Return the markets of the jobs posted in the `last` seconds, of one program's if it is given.

    Raises RetryableError when the endpoints fail.
    """
    head = await network.head()
    first = await network.first_block_at(Timestamp(max(0, head.timestamp - last)), head)
    topic = network.contracts.topic
    posted = await network.logs(
        [topic(Lane.REPLICATED, "JobPosted"), None, None, program], first, head.number
    )
    if not posted:
        return []
    names = [topic(lane, name) for lane, names in _MOVES.items() for name in names]
    moves = await network.logs([names], first, head.number)
    rounds = read_rounds(await _dated(network, sorted([*posted, *moves], key=_place)))
    seen = sorted({who for one in rounds for who, _ in one.claims})
    announced = await _capabilities(network, seen, head.number)
    return summarise(rounds, announced, head.timestamp)


def _place(event: Event) -> tuple[int, int]:
    return event.block_number, event.log_index


async def _dated(network: Network, events: Sequence[Event]) -> list[Event]:
    """Add to events the times of their blocks."""
    times: dict[int, Timestamp] = {}
    for numbers in _chunks(sorted({event.block_number for event in events})):
        requests = [
            Request("eth_getBlockByNumber", [hex(number), False], parse_block) for number in numbers
        ]
        blocks = await network.pool.batch(requests, at_least_block=numbers[-1])
        times |= {block.number: block.timestamp for block in blocks}
    return [replace(event, at=times.get(event.block_number)) for event in events]


async def _capabilities(
    network: Network, operators: Sequence[OperatorId], block: int
) -> dict[OperatorId, frozenset[str]]:
    """Return what operators announce now: nothing where the lease of a profile is over."""
    found: dict[OperatorId, frozenset[str]] = {}
    for some in _chunks(operators):
        calls = [("profile_of", (who,)) for who in some]
        profiles = await network.contracts.read("Registry", calls, block)
        found |= {who: capabilities.names(one[1]) for who, one in zip(some, profiles, strict=True)}
    return found


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]
