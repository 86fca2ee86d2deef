"""Hands signed transactions to the endpoints until they are mined, without repeating itself."""

from collections.abc import AsyncIterator, Sequence
from itertools import compress

from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.refusals import Refusal
from worker.chain.wire import Block
from worker.protocol.outbox import OutboxEntry


class Broadcaster:
    """Remembers which transactions the endpoints took, and asks about those once a head.

    What it forgets in a restart is handed over again: the endpoints then say that they know it.
    """

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool
        self._taken: dict[bytes, bytes] = {}  # transaction: the last head at which it was known

    async def send(
        self, pending: Sequence[OutboxEntry], head: Block
    ) -> AsyncIterator[tuple[OutboxEntry, Refusal | None]]:
        """Yield each entry that was handed over, with what the endpoints said, None for yes.

        Raises RpcError when none of them answers.
        """
        hashes = [entry.attempts[-1].hash for entry in pending]
        taken = {hash_: self._taken[hash_] for hash_ in hashes if hash_ in self._taken}
        doubtful = [hash_ for hash_, at in taken.items() if at != head.hash]
        self._taken = taken | dict.fromkeys(await self._known(doubtful), head.hash)
        for entry, hash_ in zip(pending, hashes, strict=True):
            if self._taken.get(hash_) == head.hash:
                continue
            refusal = await self._pool.broadcast(entry.attempts[-1].raw)
            if refusal is None:
                self._taken[hash_] = head.hash
            yield entry, refusal

    async def _known(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return those of the transactions that the endpoints still have."""
        if not hashes:
            return []
        requests = [
            Request("eth_getTransactionByHash", ["0x" + hash_.hex()], lambda one: one is not None)
            for hash_ in hashes
        ]
        return list(compress(hashes, await self._pool.batch(requests)))
