"""The auditor itself: it finds what differs between a worker's database and the chain."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.sound import BOOKS
from tests.faults.world import World
from worker.cli.devnet.audit import Check
from worker.cli.devnet.reconcile import audit_with_workers
from worker.config import Config, load_config

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEAT = "WHERE rowid = (SELECT max(rowid) FROM seats)"
LIES = {
    "UPDATE scanned_blocks SET hash = zeroblob(32)": "the blocks it scanned",
    "DELETE FROM logs WHERE name = 'ResultSealed'": "logs",
    "UPDATE logs SET args = json_set(args, '$.round', 1)": "logs",
    "INSERT INTO logs SELECT block, 999, name, job, batch, round, operator, args FROM logs"
    " LIMIT 1": "logs",
    "UPDATE jobs SET block = block + 1": "jobs",
    "UPDATE outbox SET mined_block_hash = zeroblob(32)": "transactions",
    "UPDATE outbox SET mined_hash = NULL": "transactions",
    "UPDATE outbox SET mined_ok = 0": "transactions",
    "UPDATE outbox SET state = 'pending', nonce = nonce + 2, mined_hash = NULL"
    " WHERE nonce = (SELECT max(nonce) FROM outbox)": "transactions",
    "DELETE FROM seats": "seats",
    f"UPDATE seats SET round = 1 {SEAT}": "seats",
    f"UPDATE seats SET state = 'revealed' {SEAT}": "seats",
    f"UPDATE seats SET state = 'lost' {SEAT}": "seats",
    "UPDATE earnings SET paid = '1'": "seats",
    "DELETE FROM earnings": "seats",
    "DELETE FROM records": "seats",
    "UPDATE records SET digest = zeroblob(32)": "seats",
    "INSERT INTO demands VALUES (x'00', 1, x'00', 0, 0, 1, 0, 0,"
    " '[[0, 0, 0, 0], [0, 0, 0, 0], [\"\", 0, 0], [0, 0, 0]]')": "demands",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def after_a_job(shared: World) -> AsyncIterator[World]:
    """The network after a job that went through."""
    await shared.up()
    await shared.assert_paid(await shared.post())
    yield shared


def _copied(world: World, folder: Path) -> Config:
    """Return settings of the first worker over a copy of its database."""
    config = load_config(world.victim.operator.settings)
    with sqlite3.connect(config.data / "worker.sqlite") as source:
        source.backup(sqlite3.connect(folder / "worker.sqlite"))
    return config.model_copy(update={"data": folder})


async def _broken(world: World, config: Config) -> list[Check]:
    wallet = world.network.requester
    audit = await audit_with_workers(wallet.contracts, wallet.pool, [config])
    return [check for check in audit.checks if not check.holds]


async def test_audit__books_as_they_are__agree(after_a_job: World, tmp_path: Path) -> None:
    assert await _broken(after_a_job, _copied(after_a_job, tmp_path)) == []


@pytest.mark.parametrize("lie", LIES)
async def test_audit__books_that_lie__named(after_a_job: World, tmp_path: Path, lie: str) -> None:
    config = _copied(after_a_job, tmp_path)
    with sqlite3.connect(tmp_path / "worker.sqlite") as books:
        books.execute(lie)

    broken = await _broken(after_a_job, config)

    assert {check.invariant for check in broken} == {BOOKS}
    claim = f"worker {after_a_job.victim.operator.id}: {LIES[lie]} are the chain's"
    found = next(check for check in broken if check.claim == claim)
    assert found.differs
