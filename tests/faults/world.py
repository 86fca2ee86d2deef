"""A local network whose workers reach the chain through proxies that misbehave on request.

Real processes on a real chain: each worker knows two endpoints, `near` and, behind it, `far`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.network import CIRCLE, Posted, configure, events, job_spec, post, settlements
from tests.faults.proxy import Fault, Proxy
from tests.faults.sound import assert_sound
from worker.cli.devnet.books import Books, open_books
from worker.cli.devnet.network import Deploying, Network, Operator, open_network
from worker.cli.devnet.saved import deploy_or_load
from worker.config import load_config
from worker.protocol.outbox import OutboxEntry
from worker.protocol.words import SeatOutcome
from worker.storage.seats import SeatState

ROOT = Path(__file__).parents[2]
WINDOWS = {"claim": "12s", "run": "12s", "reveal": "12s"}
SLOW = {"fuel": "3G", "memory": "32MiB", "output": "1MiB", "files": 4}
"""Limits that may take so long that a worker claims first, then runs and seals."""
LONG = {"claim": "60s", "run": "60s", "reveal": "60s"}


@dataclass
class Worker:
    """An operator whose worker asks `near` first, then `far`."""

    operator: Operator
    near: Proxy
    far: Proxy

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        """Both endpoints, the preferred one first."""
        return self.near, self.far

    def inject(self, fault: Callable[[], Fault], method: str = "*", **how: Any) -> None:
        """Have both endpoints misbehave: there is nowhere to turn to."""
        for proxy in self.proxies:
            proxy.inject(fault(), method, **how)

    def heal(self) -> None:
        """Have both endpoints behave again."""
        for proxy in self.proxies:
            proxy.heal()

    def sent(self, method: str) -> int:
        """Return how many calls of `method` reached either endpoint."""
        return sum(len(proxy.sent(method)) for proxy in self.proxies)


@dataclass
class World:
    """The network and its workers, of which the first is the one that faults happen to."""

    network: Network
    workers: list[Worker]

    @property
    def victim(self) -> Worker:
        """The worker whose endpoints misbehave."""
        return self.workers[0]

    async def up(self) -> None:
        """Have every worker running and ready."""
        for worker in self.workers:
            if not self.network.processes.is_running(worker.operator.name):
                await self.network.start(worker.operator)
        for worker in self.workers:
            await self.network.until_ready(worker.operator)

    async def post(self, **changes: Any) -> Posted:
        """Post a job of one batch that takes the seats of all workers."""
        small = {"tasks": {"range": {"from": 0, "to": 2}}, "seats": 2, "windows": WINDOWS}
        return await post(self.network, job_spec(**small | changes))

    async def post_named(self, **changes: Any) -> Posted:
        """Post a job that names the workers, who claim it at once, with long windows."""
        return await self.post(**{"operators": list(CIRCLE), "windows": LONG} | changes)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, within: float = 30.0
    ) -> None:
        """Wait until `condition` holds, at most `within` seconds."""
        ends_at = time.monotonic() + within
        while not await condition():
            assert time.monotonic() < ends_at, f"{what}: not within {within:g} s"
            self.network.processes.require_running()
            await asyncio.sleep(0.1)

    async def until_claimed(self, posted: Posted, seats: int = 2) -> None:
        """Wait until so many seats of the job are taken."""

        async def is_claimed() -> bool:
            return len(await events(self.network, "SeatClaimed", job=posted.key)) == seats

        await self.until(is_claimed, f"{seats} seats claimed")

    async def settled(self, posted: Posted, within: float = 60.0) -> list[Any]:
        """Wait until the job is over on the chain and in every worker's database; return how its
        batches ended."""

        async def is_over() -> bool:
            final = await settlements(self.network, posted)
            return len(final) == posted.terms.batches and all(
                state in (SeatState.SETTLED, SeatState.LOST, SeatState.VOID)
                for worker in self.workers
                for state in self.seats(worker, posted)
            )

        await self.until(is_over, "the job settled, here and there", within)
        return await settlements(self.network, posted)

    async def assert_paid(self, posted: Posted) -> None:
        """Wait for the job's end; all workers were paid for every task, and know it."""
        final = await self.settled(posted)
        outcomes = [seat for one in final for seat in map(SeatOutcome.unpack, one["seats"])]
        each = posted.terms.tasks * posted.terms.price
        paid = {seat.operator: 0 for seat in outcomes}
        for seat in outcomes:
            paid[seat.operator] += seat.paid
            assert seat.burnt == 0
        assert paid == {worker.operator.id: each for worker in self.workers}
        for worker in self.workers:
            assert set(self.seats(worker, posted)) == {SeatState.SETTLED}
        await self.assert_sound()

    async def assert_sound(self, *workers: Worker) -> None:
        """Check every invariant of the network now, and that the databases of `workers` (of all)
        agree with the chain as soon as they have seen it."""
        await assert_sound(self.network, [one.operator for one in workers or self.workers])

    def books(self, worker: Worker, look: Callable[[Books], Any]) -> Any:
        """Return what `look` finds in the worker's database."""
        with ExitStack() as stack:
            config = load_config(worker.operator.settings)
            contracts = self.network.requester.contracts
            return look(stack.enter_context(open_books(config, contracts)))

    def seats(self, worker: Worker, posted: Posted) -> list[SeatState]:
        """Return the states of the worker's seats in a job, as its database says."""

        def look(books: Books) -> list[SeatState]:
            stored = books.desks[0].seats.in_job(posted.key)
            return [stored[key].state for key in sorted(stored, key=lambda key: key.batch)]

        states: list[SeatState] = self.books(worker, look)
        return states

    def entries(self, worker: Worker, posted: Posted) -> list[OutboxEntry]:
        """Return the worker's transactions about a job, as its database says, oldest first."""

        def look(books: Books) -> list[OutboxEntry]:
            mine = posted.key.hex()
            return [one for one in books.outbox.entries() if mine in one.intent.purpose]

        entries: list[OutboxEntry] = self.books(worker, look)
        return entries

    async def reasons(self, worker: Worker) -> set[str]:
        """Return why the worker takes no new work now."""
        status = await self.network.status(worker.operator) or {}
        return set(status.get("reasons", {"down": ""}))

    async def metric(self, worker: Worker, name: str) -> float:
        """Return a metric of the worker; `name` bears its labels as they are printed."""
        url = f"http://127.0.0.1:{worker.operator.admin_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            lines = (await response.text()).splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


@asynccontextmanager
async def open_world(
    folder: Path, workers: int = 2, deploying: Deploying = deploy_or_load
) -> AsyncIterator[World]:
    """Start a network with a pair of proxies before each worker; no worker runs yet."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(
            open_network(ROOT, folder, workers, circles=[CIRCLE], deploying=deploying)
        )
        world = World(network, [])
        for operator in network.operators:
            near, far = [
                await stack.enter_async_context(Proxy(network.anvil.url)) for _ in range(2)
            ]
            configure(operator, "chain", rpc_urls=[near.url, far.url])
            world.workers.append(Worker(operator, near, far))
        stack.push_async_callback(network.processes.stop_all)  # before their endpoints
        yield world
