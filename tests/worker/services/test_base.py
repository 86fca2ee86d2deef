"""The loop: woken, patient with known troubles, stopped at once, ended by bugs."""

import asyncio

import pytest

from worker.errors import RpcError
from worker.services.base import Service


class Counting(Service):
    """Counts its ticks and does what it is told."""

    name = "counting"
    period = 60.0

    def __init__(self, *results: bool | Exception) -> None:
        super().__init__(self._note)
        self.results = list(results)
        self.ticks = 0
        self.steps: list[str] = []
        self.ticked = asyncio.Event()

    def _note(self, name: str) -> None:
        self.steps.append(name)

    async def tick(self) -> bool:
        self.ticks += 1
        self.ticked.set()
        self.step("done")
        result = self.results.pop(0) if self.results else False
        if isinstance(result, Exception):
            raise result
        return result


async def _run(service: Counting, ticks: int) -> None:
    """Run until that many ticks are over."""
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    try:
        async with asyncio.timeout(5):
            while service.ticks < ticks and not task.done():
                service.ticked.clear()
                await service.ticked.wait()
    finally:
        stop.set()
        await asyncio.wait_for(task, 1)


async def test_run__more_is_due__ticks_at_once() -> None:
    service = Counting(True, True)
    await _run(service, 3)
    assert service.steps == ["counting.done"] * 3


async def test_run__woken__ticks_before_its_period() -> None:
    service = Counting()
    asyncio.get_running_loop().call_later(0.05, service.wake)
    await _run(service, 2)
    assert service.ticks == 2


async def test_run__woken_during_a_tick__is_not_forgotten() -> None:
    class Waking(Counting):
        async def tick(self) -> bool:
            if self.ticks == 0:
                self.wake()
            return await super().tick()

    waking = Waking()
    await _run(waking, 2)
    assert waking.ticks == 2


async def test_run__known_trouble__retried_and_shown() -> None:
    service = Counting(RpcError("all endpoints are down"))
    stop = asyncio.Event()
    task = asyncio.create_task(service.run(stop))
    await service.ticked.wait()
    await asyncio.sleep(0)
    assert service.trouble == "all endpoints are down"
    service.ticked.clear()
    async with asyncio.timeout(5):
        await service.ticked.wait()
    await asyncio.sleep(0)
    assert service.trouble is None
    stop.set()
    await task


async def test_run__a_bug__ends_the_service() -> None:
    with pytest.raises(KeyError):
        await Counting(KeyError("bug")).run(asyncio.Event())
