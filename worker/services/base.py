"""What every service is: a loop of small durable steps that can be killed after any of them."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Callable

import structlog

from worker.errors import RetryableError

log = structlog.get_logger(__name__)

StepHook = Callable[[str], None]

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0


def no_hook(_name: str) -> None:
    """The production hook: named steps pass silently."""


class Service:
    """One duty of the worker. A subclass names itself and implements `tick`.

    `tick` does one bounded piece of work that is safe to repeat, and returns whether more is due at
    once. Between ticks the loop sleeps until `wake`, at most `period` seconds. Known troubles are
    retried with growing pauses; anything else is a bug and ends the task group.
    """

    name = "service"
    period = 5.0
    linger = 0.0
    """Seconds from the first news to the tick: what comes close together is handled at once."""

    def __init__(self, on_step: StepHook = no_hook) -> None:
        self._on_step = on_step
        self._awake = asyncio.Event()
        self._listeners: list[Service] = []
        self._delay = 0.0
        self.trouble: str | None = None

    async def tick(self) -> bool:
        """Do one step; return whether another is due at once."""
        raise NotImplementedError

    def step(self, name: str) -> None:
        """Mark a durable step. Tests kill the process here to show that it resumes."""
        self._on_step(f"{self.name}.{name}")

    def wake(self) -> None:
        """End the pause: something that this service waits for has happened."""
        self._awake.set()

    def tell(self, *others: "Service") -> None:
        """Have `others` woken by this service's news."""
        self._listeners += others

    def news(self) -> None:
        """Something happened here that others wait for."""
        for listener in self._listeners:
            listener.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; the step that has begun is finished first."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._awake.clear()
                pause = await self._tick_safely()
                await self._pause(pause, stopping)
        finally:
            stopping.cancel()
        await self.close()

    async def close(self) -> None:
        """Give back what the service holds in memory; nothing durable."""

    async def _tick_safely(self) -> float:
        try:
            more = await self.tick()
        except RetryableError as error:
            self._delay = min(_LONGEST_DELAY, self._delay * 2 or _FIRST_DELAY)
            self.trouble = str(error)
            log.warning("retrying", service=self.name, error=str(error), seconds=self._delay)
            return self._delay
        self._delay, self.trouble = 0.0, None
        return 0.0 if more else self.period

    async def _pause(self, seconds: float, stopping: asyncio.Task[bool]) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if self._delay > 0:  # a service in trouble is not hurried by news
            await asyncio.wait({stopping}, timeout=seconds)
            return
        news = asyncio.create_task(self._awake.wait())
        try:
            await asyncio.wait({stopping, news}, timeout=seconds, return_when=FIRST_COMPLETED)
            if self.linger and news.done():
                await asyncio.wait({stopping}, timeout=self.linger)
        finally:
            news.cancel()
