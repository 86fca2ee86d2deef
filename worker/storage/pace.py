"""A floor under the speed of a transfer, so that a slow peer cannot hold a place for ever."""

import asyncio
from types import TracebackType


class Pace:
    """Ends a block with TimeoutError when it falls behind `grace` + bytes ÷ `min_rate` seconds.

    One rule covers a silent start, a stall and a drip. Call `advance` with each chunk's size.
    """

    def __init__(self, grace: float, min_rate: float) -> None:
        self._grace = grace
        self._min_rate = min_rate

    async def __aenter__(self) -> "Pace":
        self._deadline = asyncio.get_running_loop().time() + self._grace
        self._timeout = asyncio.timeout_at(self._deadline)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    def advance(self, size: int) -> None:
        """Grant the time that `size` more bytes may take."""
        self._deadline += size / self._min_rate
        self._timeout.reschedule(self._deadline)
