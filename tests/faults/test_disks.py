"""Faults of the disk: what cannot be kept is not done, and what was torn is not believed."""

import asyncio
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.network import events
from tests.faults.world import World
from worker.cli.devnet.books import Books
from worker.cli.exits import Exit
from worker.config import load_config

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAL_HEADER, WAL_FRAME = 32, 24 + 4096  # bytes, in SQLite's journal
ROOM = 64 << 10  # bytes: the journal of some blocks
BUSY_SECONDS = 5  # that a worker waits for a lock on its database


def _file(world: World) -> Path:
    return load_config(world.victim.operator.settings).data / "worker.sqlite"


def _fill(world: World) -> None:
    """Do as a full quota does: from now on the victim can write to no file beyond its first bytes,
    which leaves room for its last words."""
    processes, name = world.network.processes, world.victim.operator.name
    os.truncate(processes.log(name), 0)
    limits = (ROOM, resource.RLIM_INFINITY)
    resource.prlimit(processes.pid(name), resource.RLIMIT_FSIZE, limits)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Be the one that writes to the database."""
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def _tear(file: Path) -> None:
    """Leave half a write behind the last whole one, as a power cut does."""
    journal = Path(f"{file}-wal")
    content, end = journal.read_bytes(), WAL_HEADER
    while content[end + 8 : end + 16] == content[16:24]:  # the salt of what counts
        end += WAL_FRAME
    assert end > WAL_HEADER
    half = content[WAL_HEADER : WAL_HEADER + WAL_FRAME // 2]
    journal.write_bytes(content[:end] + half)


def _damage(file: Path) -> bytes:
    """Zero all pages but the first; return the file as it was."""
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    return whole


def _restore(file: Path, whole: bytes) -> None:
    """Put a file back, without what was written beside it since."""
    file.write_bytes(whole)
    for rest in ("-wal", "-shm"):
        Path(f"{file}{rest}").unlink(missing_ok=True)


async def _ended(world: World) -> int:
    """Wait until the victim has ended by itself; return its code."""
    processes, name = world.network.processes, world.victim.operator.name
    code = await asyncio.wait_for(processes.wait(name), 60)
    await processes.kill(name)
    return code


async def _sent_nothing_unwritten(world: World) -> None:
    """Every transaction of the victim's key that is on the chain is in its database."""

    def signed(books: Books) -> set[bytes]:
        entries = books.desks[0].outbox.entries()
        return {attempt.hash for entry in entries for attempt in entry.attempts}

    key = world.books(world.victim, lambda books: books.identity.worker)
    known, found = world.books(world.victim, signed), set()
    head = await world.network.requester.pool.head()
    for number in range(head.number + 1):
        block = await world.network.anvil.ask("eth_getBlockByNumber", hex(number), True)
        found |= {
            bytes.fromhex(one["hash"][2:])
            for one in block["transactions"]
            if one["from"].lower() == key.lower()
        }
    assert found <= known


async def test_fault_21__no_room_for_a_record__ends_and_goes_on_with_room(world: World) -> None:
    posted = await world.post_named()
    await world.until_claimed(posted)
    _fill(world)

    assert await _ended(world) == Exit.INTERNAL

    log = world.network.processes.log(world.victim.operator.name).read_text()
    assert "worker.sqlite" in log.strip().splitlines()[-1]
    await _sent_nothing_unwritten(world)
    await world.up()
    await world.assert_paid(posted)


async def test_fault_21__disk_nearly_full__not_ready_and_claims_nothing(world: World) -> None:
    victim = world.victim
    settings = victim.operator.settings.read_text()
    await world.network.processes.stop(victim.operator.name)
    plenty = "min_free_bytes = 1000000000000000"
    victim.operator.settings.write_text(settings.replace("min_free_bytes = 1000000", plenty))
    await world.network.start(victim.operator)

    async def is_low() -> bool:
        return await world.reasons(victim) == {"disk_low"}

    try:
        await world.until(is_low, "not ready")
        posted = await world.post()

        async def is_claimed() -> bool:
            return bool(await events(world.network, "SeatClaimed", job=posted.key))

        await world.until(is_claimed, "the other's claim")
        await world.network.anvil.skip(12 * 2)
        await world.settled(posted)
    finally:
        victim.operator.settings.write_text(settings)
        await world.network.processes.kill(victim.operator.name)
    (claim,) = await events(world.network, "SeatClaimed", job=posted.key)
    assert claim["operator"] != victim.operator.id
    assert await events(world.network, "BatchSettled", job=posted.key) == []


async def test_fault_21__database_locked__waits_or_ends_and_goes_on(world: World) -> None:
    posted = await world.post_named()
    processes, name = world.network.processes, world.victim.operator.name
    ending = asyncio.create_task(processes.wait(name))
    with _locked(_file(world)):
        await asyncio.wait({ending}, timeout=BUSY_SECONDS / 2)
    assert not ending.done()

    with _locked(_file(world)):
        await asyncio.wait_for(ending, BUSY_SECONDS + 25)
    assert await _ended(world) == Exit.INTERNAL
    assert "database is locked" in processes.log(name).read_text()
    await _sent_nothing_unwritten(world)
    await world.up()
    await world.assert_paid(posted)


async def test_fault_21__last_write_torn__forgotten_and_made_anew(world: World) -> None:
    posted = await world.post_named()
    await world.until_claimed(posted)
    await world.network.processes.kill(world.victim.operator.name)
    _tear(_file(world))

    await world.up()
    await world.assert_paid(posted)


async def test_fault_21__database_damaged__refuses_to_start_until_it_is_restored(
    world: World,
) -> None:
    processes, operator = world.network.processes, world.victim.operator
    assert await processes.stop(operator.name) == 0
    whole = _damage(_file(world))
    sent = world.victim.sent("eth_sendRawTransaction")

    await world.network.start(operator)
    assert await _ended(world) == Exit.INTERNAL

    assert world.victim.sent("eth_sendRawTransaction") == sent
    _restore(_file(world), whole)
    await world.up()
    await world.assert_paid(await world.post())
