"""Random faults while the network works: processes die, endpoints stop to answer."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.e2e.network import configure
from tests.faults.proxy import Proxy, hang
from worker.cli.devnet.network import Operator
from worker.cli.devnet.stage import Stage

_PAUSE_SECONDS = (3.0, 8.0)  # between two faults
_HANG_SECONDS = 5.0


@dataclass
class Mischief:
    """Does one fault after the other, each to one worker, and mends it."""

    stage: Stage
    mortals: Sequence[Operator]
    """Those whose workers may be killed."""

    proxies: dict[int, Proxy]
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until told to stop; the fault that has begun is mended first."""
        while not await _is_set_within(self.chance.uniform(*_PAUSE_SECONDS), stop):
            if self.proxies and self.chance.random() < 0.5:
                await self._hang(self.chance.choice(sorted(self.proxies)))
            else:
                await self._kill(self.chance.choice(self.mortals))

    async def _kill(self, operator: Operator) -> None:
        """Kill a worker as a power cut would, and start it again."""
        network = self.stage.network
        await network.processes.kill(operator.name)
        self.done["killed"] += 1
        await self.stage.start(operator)
        await network.until_ready(operator)

    async def _hang(self, operator: int) -> None:
        """Have an endpoint accept everything and answer nothing for a while."""
        self.proxies[operator].inject(hang())
        self.done["endpoint hung"] += 1
        await asyncio.sleep(_HANG_SECONDS)
        self.proxies[operator].heal()


@asynccontextmanager
async def proxied(stage: Stage, operators: Sequence[Operator]) -> AsyncIterator[dict[int, Proxy]]:
    """Give these operators an endpoint that may hang before the chain's own; by their numbers."""
    async with AsyncExitStack() as stack:
        proxies = {}
        for operator in operators:
            proxy = await stack.enter_async_context(Proxy(stage.network.anvil.url))
            configure(operator, "chain", rpc_urls=[proxy.url, stage.network.anvil.url])
            proxies[operator.id] = proxy
        yield proxies


@asynccontextmanager
async def meanwhile(mischief: Mischief) -> AsyncIterator[None]:
    """Have it happen while the block runs."""
    stop = asyncio.Event()
    task = asyncio.create_task(mischief.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _is_set_within(seconds: float, stop: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
