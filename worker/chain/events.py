"""The log scanner: events in order, over reorgs, range limits and endpoints that lag."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.chain.config import ChainConfig
from worker.chain.contracts import Contracts, Event
from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.refusals import RangeLimitError
from worker.chain.wire import Block, Log, parse_block, parse_logs
from worker.errors import RpcError, StaleBlockError, WrongChainError

_WINDOW = 64  # blocks whose hashes are kept; a deeper reorganisation stops the worker


@dataclass(frozen=True)
class Scan:
    """What one step found. Store its consequences and `window` in one transaction.

    The last blocks are read again each time, so events come repeatedly: (block_hash, log_index)
    tells whether one was handled. After a reorg all that came from blocks above `rollback_to` must
    be undone first, and `reorg_depth` scanned blocks are gone.
    """

    events: tuple[Event, ...]
    window: Mapping[int, bytes]
    head: Block
    scanned_to: int
    is_caught_up: bool
    rollback_to: int | None = None
    reorg_depth: int = 0


class LogScanner:
    """Reads the deployment's events up to `depth` blocks below the head. Stores nothing."""

    def __init__(
        self,
        pool: RpcPool,
        contracts: Contracts,
        config: ChainConfig,
        depth: int | None = None,
        only: Sequence[str] = (),
    ) -> None:
        """`depth` defaults to the confirmations of the configuration; 0 follows the head.

        `only` names the contracts whose events are wanted, all of the deployment when empty.
        """
        self._pool = pool
        self._contracts = contracts
        self._config = config
        self._depth = config.confirmations if depth is None else depth
        self._span = config.max_log_range
        self._addresses = [contracts.address(name) for name in only] or contracts.addresses
        self._decoded: dict[tuple[bytes, int], Event | None] = {}
        self._seen: tuple[bytes, int] | None = None  # the head and the cursor after a full scan

    async def scan(self, window: Mapping[int, bytes]) -> Scan:
        """Read on from `window`, the one of the last stored scan, by one bounded step.

        Raises RpcError or StaleBlockError when the endpoints do not answer well or change their
        mind meanwhile (scan again), WrongChainError when a reorg is deeper than the window.
        """
        head = await self._pool.head()
        if window and self._seen == (head.hash, max(window)):
            return Scan((), window, head, max(window), is_caught_up=True)
        kept = await self._still_there(window, head)
        first = self._contracts.deployment.block
        cursor = max(kept, default=first - 1)
        confirmed = head.number - self._depth
        target = max(cursor, min(confirmed, cursor + self._config.max_log_range))
        logs: list[Log] = []
        if first <= target <= head.number:
            logs = await self._logs(max(first, cursor + 1 - self._config.overlap_blocks), target)
            wanted = range(max(cursor + 1, min(target, head.number - _WINDOW)), target + 1)
            kept = {**kept, **await self._hashes(wanted, head)}
            _check_branch(kept, logs)
        self._seen = (head.hash, target) if target >= confirmed else None
        is_rolled_back = bool(window) and cursor < max(window)
        return Scan(
            events=self._events(logs),
            window={number: kept[number] for number in sorted(kept)[-_WINDOW:]},
            head=head,
            scanned_to=target,
            is_caught_up=target >= confirmed,
            rollback_to=cursor if is_rolled_back else None,
            reorg_depth=max(window) - cursor if is_rolled_back else 0,
        )

    async def _still_there(self, window: Mapping[int, bytes], head: Block) -> dict[int, bytes]:
        """Return the part of the window that is on the chain of `head`."""
        reachable = [number for number in window if number <= head.number]
        if not window:
            return {}
        if reachable:
            top = max(reachable)
            if (head.number, head.parent_hash) == (top + 1, window[top]):
                return dict(window)
            now = await self._pool.block(top, at_least_block=top)
            if now.hash == window[top]:
                # A head below the cursor is an endpoint a block behind, or a chain that will
                # show its other branch once it has grown: nothing is taken back yet.
                return dict(window)
            found = await self._headers(reachable)
            same = [number for number in reachable if found[number] == window[number]]
            if same:
                return {number: window[number] for number in window if number <= max(same)}
        raise WrongChainError(
            f"the chain was reorganised below block {min(window)}, deeper than {len(window)} blocks"
        )

    async def _hashes(self, numbers: range, head: Block) -> dict[int, bytes]:
        """Return the hashes at these heights, of which the last may be the head's."""
        if list(numbers) == [head.number]:
            return {head.number: head.hash}
        return await self._headers(numbers)

    async def _headers(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Return the hashes at these heights, after checking that neighbours are linked."""
        wanted = list(numbers)
        if not wanted:
            return {}
        requests = [
            Request("eth_getBlockByNumber", [hex(number), False], parse_block) for number in wanted
        ]
        blocks = await self._pool.batch(requests, at_least_block=max(wanted))
        found = {block.number: block for block in blocks}
        if set(found) != set(wanted):
            raise RpcError("endpoint sent other blocks than asked for")
        for number, block in found.items():
            below = found.get(number - 1)
            if below is not None and below.hash != block.parent_hash:
                raise StaleBlockError(f"block {number} was reorganised while it was read")
        return {number: block.hash for number, block in found.items()}

    async def _logs(self, first: int, last: int) -> list[Log]:
        """Return the logs of blocks `first` to `last`, in as many queries as the endpoint wants."""
        logs: list[Log] = []
        self._span = min(self._config.max_log_range, self._span + self._span // 4 + 1)
        while first <= last:
            end = min(last, first + self._span - 1)
            try:
                logs += await self._query(first, end)
            except RangeLimitError as error:
                if first == end:
                    raise
                self._span = _smaller_span(first, end, error.suggested_end)
            else:
                first = end + 1
        return logs

    async def _query(self, first: int, last: int) -> list[Log]:
        criteria = {
            "address": self._addresses,
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }

        def parse(value: Any) -> list[Log]:
            logs = parse_logs(value)
            for log in logs:
                if log.removed or not first <= log.block_number <= last:
                    raise RpcError("endpoint sent logs of other blocks than asked for")
            return logs

        return await self._pool.call("eth_getLogs", [criteria], parse, at_least_block=last)

    def _events(self, logs: list[Log]) -> tuple[Event, ...]:
        """Return the known events once each, in the order of the chain."""
        unique = {(log.block_hash, log.log_index): log for log in logs}
        # The last blocks are read again and again: what was decoded then is not decoded anew.
        self._decoded = {
            identity: self._decoded[identity]
            if identity in self._decoded
            else self._contracts.decode_log(log)
            for identity, log in unique.items()
        }
        events = [event for event in self._decoded.values() if event is not None]
        return tuple(sorted(events, key=lambda event: (event.block_number, event.log_index)))


def _smaller_span(first: int, end: int, suggested_end: int | None) -> int:
    if suggested_end is not None and first <= suggested_end < end:
        return suggested_end - first + 1
    return (end - first + 1) // 2


def _check_branch(hashes: Mapping[int, bytes], logs: list[Log]) -> None:
    for log in logs:
        if hashes.get(log.block_number, log.block_hash) != log.block_hash:
            raise StaleBlockError(f"block {log.block_number} was reorganised while it was read")
