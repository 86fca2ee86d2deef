"""Many connections that ask a worker's listeners again and again."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

PEERS = 8  # loopback addresses that the connections come from: a worker caps transfers by peer


@dataclass(frozen=True)
class Served:
    """What a route gave: answers, in all and a second, their times in milliseconds, those that
    were refused, megabytes a second."""

    connections: int
    answers: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int
    megabytes_per_second: float


@dataclass(frozen=True)
class Route:
    """A URL; with `size`, random ranges of `span` bytes of a blob of that size."""

    url: str
    size: int = 0
    span: int = 0

    def headers(self, chance: random.Random) -> dict[str, str]:
        """Return the headers of one request."""
        if not self.span:
            return {}
        start = chance.randrange(self.size - self.span)
        return {"Range": f"bytes={start}-{start + self.span - 1}"}


@dataclass
class _Tally:
    times: list[float]
    refused: int = 0
    received: int = 0


async def load(route: Route, connections: int, seconds: float) -> Served:
    """Ask over so many connections at once, each as fast as it is answered."""
    tally, ends_at = _Tally([]), time.monotonic() + seconds
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(_ask(route, number, ends_at, tally))
    took = time.monotonic() - began
    times = sorted(tally.times)
    return Served(
        connections=connections,
        answers=len(times),
        per_second=round(len(times) / took, 1),
        p50_ms=_at(times, 0.50),
        p95_ms=_at(times, 0.95),
        p99_ms=_at(times, 0.99),
        refused=tally.refused,
        megabytes_per_second=round(tally.received / took / 1e6, 1),
    )


async def _ask(route: Route, number: int, ends_at: float, tally: _Tally) -> None:
    """Ask over one connection that is kept open."""
    chance = random.Random(number)
    source = (f"127.0.0.{1 + number % PEERS}", 0)
    connector = aiohttp.TCPConnector(limit=1, local_addr=source)
    async with aiohttp.ClientSession(connector=connector) as session:
        while time.monotonic() < ends_at:
            began = time.monotonic()
            async with session.get(route.url, headers=route.headers(chance)) as answer:
                body = await answer.read()
            tally.times.append(time.monotonic() - began)
            tally.received += len(body)
            tally.refused += answer.status not in (200, 206)


def _at(times: Sequence[float], share: float) -> float:
    """Return a quantile in milliseconds."""
    return round(1000 * times[min(len(times) - 1, int(share * len(times)))], 2)
