"""Places that do not give what they promise, and payers that mean harm: it costs nobody else."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple
from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.network import CIRCLE, RAYTRACE, Posted, events, job_spec, post
from tests.faults.proxy import swallow
from tests.faults.world import LONG, Worker, World
from worker.cli.devnet.books import Books
from worker.errors import RevertedError
from worker.protocol.words import GWEI
from worker.services.policy import Reason
from worker.storage.seats import SeatState

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCELLED = 2  # the reason in BatchClosed
CLAIM_GAS = 400_000
METADATA = "http://169.254.169.254/latest/meta-data"


class Places:
    """A server whose every path is a bad place; `asked` are those that somebody came to."""

    def __init__(self, slow: str) -> None:
        """`slow` is the one digest over which the slow place takes its time."""
        self.asked: set[str] = set()
        self._slow = slow
        self.url = ""

    @property
    def locators(self) -> list[str]:
        """A locator of each place."""
        return [f"{self.url}/{name}/{{digest}}" for name in ("slow", "short", "other", "inside")]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do what the place is known for."""
        name = request.match_info["name"]
        self.asked.add(name)
        if name == "other":
            return web.Response(body=b"something else")
        if name == "inside":
            raise web.HTTPFound(METADATA)
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"\0")
        while name == "slow" and request.match_info["digest"] == self._slow:
            await asyncio.sleep(1)
            await response.write(b"\0")
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def bad_places(slow: str) -> AsyncIterator[Places]:
    """Serve them on loopback."""
    places, server = Places(slow), web.Application()
    server.router.add_get("/{name}/{digest}", places.answer)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    places.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield places
    finally:
        await runner.cleanup()


def _scene_of_its_own(folder: Path) -> str:
    """Copy the example with an input that no worker has yet; return the input's digest."""
    shutil.copytree(RAYTRACE, folder, dirs_exist_ok=True)
    scene = folder / "scene.txt"
    scene.write_text(f"{scene.read_text()}# {folder.name}\n")
    return hashlib.sha256(scene.read_bytes()).hexdigest()


def _refused(books: Books, job: bytes, reason: Reason) -> bool:
    return any(one.job == job and one.reason == reason for one in books.jobs.refusals())


async def _cancel(world: World, posted: Posted) -> None:
    origin = astuple(posted.origin)
    wallet = world.network.requester
    await wallet.send("ReplicatedJobs", "cancel", posted.terms.members(), origin, [0])


async def _gas_money(world: World, worker: Worker) -> int:
    key = world.books(worker, lambda books: books.identity.worker)
    return int(await world.network.anvil.ask("eth_getBalance", key, "latest"), 16)


async def test_fault_31__bad_places_before_a_good_one__each_is_left_and_the_job_paid(
    world: World, tmp_path: Path
) -> None:
    digest = _scene_of_its_own(tmp_path)
    async with bad_places(digest) as places:
        spec = job_spec(
            tasks={"range": {"from": 0, "to": 2}},
            seats=2,
            operators=list(CIRCLE),
            windows=LONG,
            locators=places.locators,
        )
        posted = await post(world.network, spec, tmp_path)
        await world.settled(posted, within=120)
    await world.assert_paid(posted)
    assert places.asked == {"slow", "short", "other", "inside"}


async def test_fault_31__bad_places_alone__nobody_claims_what_cannot_be_had(
    world: World, tmp_path: Path
) -> None:
    digest = _scene_of_its_own(tmp_path)
    money = [await _gas_money(world, worker) for worker in world.workers]
    async with bad_places(digest) as places:
        fields = {"tasks": {"range": {"from": 0, "to": 2}}, "seats": 2, "windows": LONG}
        spec = job_spec(**fields, locators=places.locators[1:])
        await world.network.anvil.ask("evm_setIntervalMining", 0)
        posting = asyncio.create_task(post(world.network, spec, tmp_path))
        await _withdraw(world, digest)
        await world.network.anvil.keep_time()
        posted = await posting

        async def is_refused() -> bool:
            return all(
                world.books(worker, lambda books: _refused(books, posted.key, Reason.UNAVAILABLE))
                for worker in world.workers
            )

        await world.until(is_refused, "refused by both", 60)
    assert await events(world.network, "SeatClaimed", job=posted.key) == []
    assert money == [await _gas_money(world, worker) for worker in world.workers]


async def _withdraw(world: World, digest: str) -> None:
    """Take a blob away as soon as it is served."""
    blob = world.network.folder / "blobs" / digest

    async def is_there() -> bool:
        return blob.exists()

    await world.until(is_there, "the blob")
    blob.unlink()


async def test_fault_33__cancelled_before_the_claims_come__costs_a_claims_gas_at_most(
    world: World,
) -> None:
    wallet = world.network.requester
    for worker in world.workers:
        worker.inject(swallow, "eth_sendRawTransaction")
    sent = [worker.sent("eth_sendRawTransaction") for worker in world.workers]
    money = [await _gas_money(world, worker) for worker in world.workers]
    before = await wallet.call("Escrow", "credit_of", wallet.address, 0)
    posted = await world.post_named()

    async def are_claiming() -> bool:
        now = [worker.sent("eth_sendRawTransaction") for worker in world.workers]
        return all(a < b for a, b in zip(sent, now, strict=True))

    await world.until(are_claiming, "both claims")
    await _cancel(world, posted)
    for worker in world.workers:
        worker.heal()

    (closed,) = await world.settled(posted)
    assert closed["reason"] == CANCELLED
    price = (await world.network.requester.pool.head()).base_fee + 2 * GWEI
    for worker, had in zip(world.workers, money, strict=True):
        assert set(world.seats(worker, posted)) == {SeatState.VOID}
        assert had - await _gas_money(world, worker) <= CLAIM_GAS * 2 * price
    refund = await wallet.call("Escrow", "credit_of", wallet.address, 0) - before
    assert refund == posted.terms.escrow
    await world.assert_sound()


async def test_fault_33__cancelled_when_the_seats_are_taken__refused_and_paid(
    world: World,
) -> None:
    posted = await world.post_named()

    async def is_claimed() -> bool:
        return bool(await events(world.network, "SeatClaimed", job=posted.key))

    await world.until(is_claimed, "a claim")
    with pytest.raises(RevertedError, match="jobs: "):
        await _cancel(world, posted)
    await world.assert_paid(posted)
