"""The network as the SDK sees it: its contracts, its rules, and its history of one job."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from worker.chain.contracts import Contracts, Event
from worker.chain.endpoints import RpcPool
from worker.chain.refusals import RangeLimitError
from worker.chain.wire import Block, Log, parse_logs
from worker.client.lane import Lane
from worker.types import Address, Timestamp

_OVERLAP = 16
"""Blocks below the last one seen that are asked for again: a reorg may have changed them."""


Topic = bytes | Sequence[bytes] | None
"""One topic, one of several, or any."""


class Network:
    """Reads one deployment's contracts."""

    def __init__(self, pool: RpcPool, contracts: Contracts) -> None:
        self.pool = pool
        self.contracts = contracts
        self.chain_id = contracts.deployment.chain_id
        self.service = contracts.address(Lane.REPLICATED)

    async def view(self, contract: str, function: str, *args: Any) -> Any:
        """Return what a view says at the head."""
        return await self.contracts.call(contract, function, *args)

    async def token_at(self, index: int) -> Address:
        """Return the address of a listed token."""
        return Address(await self.view("Escrow", "token_at", index))

    async def head(self) -> Block:
        """Return the newest block."""
        return await self.pool.head()

    async def first_block_at(self, moment: Timestamp, head: Block) -> int:
        """Return the first block of the deployment's life that is not older than `moment`, or
        that above `head`."""
        first, above = self.contracts.deployment.block, head.number + 1
        while first < above:
            middle = (first + above) // 2
            block = await self.pool.block(middle, at_least_block=head.number)
            if block.timestamp < moment:
                first = middle + 1
            else:
                above = middle
        return first

    async def logs(self, topics: Sequence[Topic], first: int, last: int) -> list[Event]:
        """Return the deployment's events with these topics, in order."""
        criteria = {"address": self.contracts.addresses, "topics": [*map(_written, topics)]}
        logs: list[Log] = []
        span = last - first + 1
        while first <= last:
            end = min(last, first + span - 1)
            query = {**criteria, "fromBlock": hex(first), "toBlock": hex(end)}
            try:
                logs += await self.pool.call("eth_getLogs", [query], parse_logs, at_least_block=end)
            except RangeLimitError as error:
                if first == end:
                    raise
                hint = error.suggested_end
                is_useful = hint is not None and first <= hint < end
                span = hint - first + 1 if hint and is_useful else (end - first + 1) // 2
            else:
                first = end + 1
        logs.sort(key=lambda log: (log.block_number, log.log_index))
        return [event for log in logs if (event := self.contracts.decode_log(log))]


class History:
    """The events of one job, read again a little further at each call."""

    def __init__(self, network: Network, key: bytes, since: int | None = None) -> None:
        """`since` is a block before the posting; without it the deployment's."""
        self._network = network
        self._key = key
        self._next = network.contracts.deployment.block if since is None else since
        self._events: dict[tuple[bytes, int], Event] = {}
        self._times: dict[bytes, Timestamp] = {}

    async def read(self) -> tuple[Block, list[Event]]:
        """Return the head and the job's events up to it, as the chain tells them now."""
        head = await self._network.head()
        # A reorg may also have shortened the chain.
        first = max(0, min(self._next, head.number + 1) - _OVERLAP)
        found = await self._network.logs([None, self._key], first, head.number)
        fresh = [await self._dated(event) for event in found]
        kept = {id: event for id, event in self._events.items() if event.block_number < first}
        self._events = kept | {(event.block_hash, event.log_index): event for event in fresh}
        self._next = head.number + 1
        return head, list(self._events.values())

    async def _dated(self, event: Event) -> Event:
        """Add its time to an event of a provable job: deadlines count from it."""
        if event.contract != Lane.PROVABLE:
            return event
        if event.block_hash not in self._times:
            block = await self._network.pool.block(event.block_number)
            self._times[event.block_hash] = block.timestamp
        return replace(event, at=self._times[event.block_hash])


def _written(topic: Topic) -> str | list[str] | None:
    if topic is None or isinstance(topic, bytes):
        return None if topic is None else "0x" + topic.hex()
    return ["0x" + one.hex() for one in topic]
