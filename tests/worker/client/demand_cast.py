"""Operators that answer demands for outputs on a real chain, played by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.worker.client.conftest import Cast
from worker.client import AsyncClient
from worker.protocol.deliveries import Delivery
from worker.work.pieces import Piece

Cut = Callable[[Delivery], Piece]


async def demanded(client: AsyncClient) -> list[Delivery]:
    """Return all that was demanded on the chain so far."""
    network = client._network
    head = await network.head()
    topic = network.contracts.topic("Demands", "OutputDemanded")
    return [
        Delivery.of(event.args["delivery"]) for event in await network.logs([topic], 0, head.number)
    ]


@asynccontextmanager
async def answering(client: AsyncClient, cast: Cast, cut: Cut, *operators: int):
    """Answer what is demanded of these operators while the block runs."""

    async def answer() -> None:
        done: set[bytes] = set()
        while True:
            for one in await demanded(client):
                if one.id not in done and one.debt.operator in operators:
                    done.add(one.id)
                    piece = cut(one)
                    arguments = (one, piece.data, piece.path)
                    await cast.send(one.debt.operator, "Demands", "answer_output", *arguments)
            await asyncio.sleep(0.02)

    async with running(answer()):
        yield


@asynccontextmanager
async def running(work) -> AsyncIterator[None]:
    """Run something beside the block; what it raises fails the test."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
