"""A process's services under one task group, in the order in which they may begin."""

import asyncio
from collections.abc import Sequence

from worker.services.base import Service
from worker.services.watcher import Watcher


async def run_services(
    services: Sequence[Service], watcher: Watcher, stop: asyncio.Event, *first: Service
) -> None:
    """Run all services until `stop` is set; the watcher and `first` at once, the others when the
    watcher knows the chain: until then none of them can tell what to sign.

    Raises what a service raises, in a group, after the others were cancelled.
    """
    at_once = (watcher, *first)
    async with asyncio.TaskGroup() as group:
        for service in at_once:
            group.create_task(service.run(stop), name=service.name)
        await _any(watcher.began, stop)
        for service in services:
            if service not in at_once:
                group.create_task(service.run(stop), name=service.name)


async def _any(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
