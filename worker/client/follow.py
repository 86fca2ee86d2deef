"""What happens to a job, as it happens."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.chain.contracts import Event
from worker.client.events import describe
from worker.client.network import History, Network
from worker.client.replay import replay
from worker.client.view import JobView
from worker.types import BatchIndex


class Until(StrEnum):
    """What may be waited for, each after the one before."""

    SUBMITTED = "submitted"  # the posting is mined
    ACCEPTED = "accepted"  # every batch has its operators
    RESULT = "result"  # every batch is settled, or its money on the way back
    FINAL = "final"  # and so deep in the chain that it stays


@dataclass(frozen=True)
class Step:
    """One thing that happened: in which block, to which batch (None: the whole job), in words.

    `view` is the job after it, or None while more is to be told of the same moment.
    """

    block: int
    batch: BatchIndex | None
    text: str
    view: JobView | None = None


def has_reached(view: JobView, until: Until, head: int, confirmations: int) -> bool:
    """Whether the job is as far as `until`."""
    if until is Until.SUBMITTED:
        return True
    if until is Until.ACCEPTED:
        return view.is_accepted
    if until is Until.RESULT:
        return view.is_over
    return view.is_paid(head, confirmations)


async def follow(
    network: Network,
    history: History,
    until: Until,
    confirmations: int,
    poll_seconds: float,
) -> AsyncIterator[Step]:
    """Yield every step from the posting on, until the job is as far as `until`.

    Raises NotFoundError for an unknown job, RetryableError when the endpoints fail: nothing is
    lost then, following again tells all from the beginning.
    """
    seen: dict[tuple[bytes, int], Event] = {}
    while True:
        head, events = await history.read()
        view = replay(events, head.timestamp)
        now = {(event.block_hash, event.log_index): event for event in events}
        for step in _news(seen, now, view):
            yield step
        yield Step(head.number, None, "", view)
        if has_reached(view, until, head.number, confirmations):
            return
        seen = now
        await asyncio.sleep(poll_seconds)


def _news(
    seen: dict[tuple[bytes, int], Event], now: dict[tuple[bytes, int], Event], view: JobView
) -> Iterator[Step]:
    """Tell what is new, and what a reorganisation of the chain took back."""
    gone = [event for id, event in seen.items() if id not in now]
    if gone:
        block = min(event.block_number for event in gone)
        yield Step(block, None, f"the chain was reorganised: {len(gone)} steps are taken back")
    for id, event in now.items():
        if id not in seen:
            batch = event.args.get("batch")
            yield Step(
                event.block_number,
                None if batch is None else BatchIndex(batch),
                describe(event, view),
            )
