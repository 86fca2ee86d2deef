"""Workers that are killed at one durable step after the other, and start again each time."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from worker.cli.devnet.network import Network, Operator
from worker.types import JobKey

_POLL_SECONDS = 0.1
_PAUSE_SECONDS = 15.0
"""Behind a job: the last of the dead come back."""

_MOST_JOBS = 6
_OF_ITS_OWN = {"PYTHONUNBUFFERED": "1"}
"""Processes with an environment of their own are not forked."""


@dataclass
class Mortal:
    """A worker with the steps at which it dies, each time by its own hand: SIGKILL, no clean-up."""

    network: Network
    operator: Operator
    steps: Sequence[str]
    role: Sequence[str] = ()
    meanwhile: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What happens while it lies dead behind a step."""

    is_cold: bool = False
    """Whether it starts as an operator starts it, imports and all, and not as a fork."""

    deaths: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)

    async def live(self) -> None:
        """Live and die through all steps; the life after the last death goes on."""
        died_at: float | None = None
        for step in self.steps:
            await self._live_until(step, died_at)
            died_at = time.monotonic()
            self.deaths.append(step)
            await self.network.processes.kill(self.operator.name)  # its children too
            if step in self.meanwhile:
                await self.meanwhile[step]()
                died_at = None  # it was left dead on purpose
        await self._start()
        await self._watch_recovery(died_at)

    async def _start(self, *dying: str) -> None:
        if not self.is_cold:
            await self.network.start(self.operator, *self.role, *dying)
            return
        settings = str(self.operator.settings)
        command = [sys.executable, "-m", "worker.cli.devnet.cast", settings, *self.role, *dying]
        await self.network.processes.start(self.operator.name, command, _OF_ITS_OWN)

    async def _live_until(self, step: str, died_at: float | None) -> None:
        await self._start("--die-at", step)
        watching = asyncio.create_task(self._watch_recovery(died_at))
        try:
            code = await self.network.processes.wait(self.operator.name)
        finally:
            watching.cancel()
        assert code == -signal.SIGKILL, f"{self.operator.name}: {code} on the way to {step}"

    async def _watch_recovery(self, died_at: float | None) -> None:
        """Note how long it took from the last death until the worker was ready."""
        while not ((await self.network.status(self.operator)) or {}).get("ready"):
            assert self.network.processes.is_running(self.operator.name), self.operator.name
            await asyncio.sleep(_POLL_SECONDS)
        if died_at is not None:
            self.recoveries.append(time.monotonic() - died_at)


@dataclass
class Cast:
    """The mortals of one test, all alive at the same time."""

    mortals: Sequence[Mortal]
    lives: Sequence[asyncio.Task[None]]

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, within: float
    ) -> None:
        """Wait for `condition`; a worker that ended otherwise than it should is an error."""
        ends_at = time.monotonic() + within
        while not await condition():
            for life in self.lives:
                if life.done():
                    life.result()
            left = [(one.operator.name, one.steps[len(one.deaths) :]) for one in self.mortals]
            assert time.monotonic() < ends_at, f"{what}: not within {within:g} s; left: {left}"
            await asyncio.sleep(3 * _POLL_SECONDS)

    async def ready(self) -> None:
        """Wait until every worker is ready for work."""
        for one in self.mortals:
            await one.network.until_ready(one.operator)

    async def work(
        self,
        post: Callable[[], Awaitable[JobKey]],
        is_final: Callable[[JobKey], Awaitable[bool]],
    ) -> list[JobKey]:
        """Post one job after the other until all have died everywhere; return the jobs, all final.

        Some steps are taken by who comes first, or only where another is late: they may need
        another job.
        """
        jobs: list[JobKey] = []
        while len(jobs) < _MOST_JOBS and not (jobs and await self.have_died(_PAUSE_SECONDS)):
            jobs.append(await post())
            await self.until(lambda: is_final(jobs[-1]), "the job's end", 400)
        await self.all_died()
        return jobs

    async def have_died(self, within: float) -> bool:
        """Whether by then every mortal has died at all of its steps and is ready again."""
        done, left = await asyncio.wait(self.lives, timeout=within)
        for life in done:
            life.result()
        return not left

    async def all_died(self, within: float = 240.0) -> None:
        """Wait until every mortal has died at all of its steps and is ready again."""

        async def have() -> bool:
            return all(life.done() for life in self.lives)

        await self.until(have, "all deaths", within)
        for one in self.mortals:
            assert one.deaths == list(one.steps)
            told = ", ".join(f"{seconds:.1f}" for seconds in one.recoveries)
            sys.stdout.write(f"{one.operator.name}: ready again after {told} s\n")


@asynccontextmanager
async def living(*mortals: Mortal) -> AsyncIterator[Cast]:
    """Have these mortals live while the block runs."""
    lives = [asyncio.create_task(one.live()) for one in mortals]
    try:
        yield Cast(mortals, lives)
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
