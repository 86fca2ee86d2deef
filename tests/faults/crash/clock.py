"""A chain's clock that is held or slowed, so that a window lasts as long as processes need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from worker.cli.devnet.anvil import Anvil


async def hold_at(anvil: Anvil, timestamp: int) -> None:
    """Mine a block of that time, and none after it until `slow` or `run`."""
    await anvil.ask("evm_setIntervalMining", 0)
    await anvil.ask("evm_setNextBlockTimestamp", hex(timestamp))
    await anvil.ask("evm_mine")
    await anvil.ask("anvil_setBlockTimestampInterval", 1)


async def slow(anvil: Anvil, seconds: int) -> None:
    """Have a second of the chain's time, and a block, last so many of ours."""
    await anvil.ask("anvil_setBlockTimestampInterval", 1)
    await anvil.keep_time(seconds)


async def run(anvil: Anvil) -> None:
    """Keep our time again."""
    await anvil.ask("anvil_removeBlockTimestampInterval")
    await anvil.keep_time()


@asynccontextmanager
async def in_our_hands(anvil: Anvil) -> AsyncIterator[Anvil]:
    """Whatever the block does to the clock, it runs behind it."""
    try:
        yield anvil
    finally:
        await run(anvil)
