"""What must hold after every step of every fault, on the chain and in the workers' databases."""

import asyncio
import time
from collections.abc import Sequence

from worker.cli.devnet.network import Network, Operator

BOOKS = 7
"""The invariant that lags the chain: a worker needs a moment to see a new block."""

_LAG_SECONDS = 10.0


async def assert_sound(network: Network, operators: Sequence[Operator]) -> None:
    """Check every invariant of the network now, and that the databases of these operators' workers
    agree with the chain as soon as they have seen it."""
    ends_at = time.monotonic() + _LAG_SECONDS
    while True:
        audit = await network.audit(*operators)
        broken = [check for check in audit.checks if not check.holds]
        if not broken:
            return
        is_late = time.monotonic() > ends_at
        assert not is_late and {check.invariant for check in broken} == {BOOKS}, broken
        await asyncio.sleep(0.2)
