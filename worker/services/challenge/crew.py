"""Work that goes on side by side, a piece for each key: no slow peer holds up the rest."""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any

import structlog

from worker.errors import JobError, RetryableError, TransactionError

log = structlog.get_logger(__name__)


class Crew:
    """At most `size` pieces of work at once. Known troubles are logged; bugs surface in `reap`."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._busy: dict[Hashable, asyncio.Task[None]] = {}

    def __contains__(self, key: Hashable) -> bool:
        """Whether work for the key is going on."""
        return key in self._busy

    def begin(self, key: Hashable, work: Coroutine[Any, Any, None]) -> bool:
        """Begin a piece of work unless its key is busy or no hand is free; whether it began."""
        if key in self._busy or len(self._busy) >= self._size:
            work.close()
            return False
        self._busy[key] = asyncio.create_task(self._guarded(key, work))
        return True

    def reap(self) -> None:
        """Let go of what has ended."""
        for key, task in list(self._busy.items()):
            if task.done():
                del self._busy[key]
                task.result()

    async def close(self) -> None:
        """Stop all of it; what is stored goes on at the next start."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _guarded(self, key: Hashable, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (RetryableError, JobError, TransactionError) as error:
            log.warning("not done yet", service=self._name, key=str(key), error=str(error))
