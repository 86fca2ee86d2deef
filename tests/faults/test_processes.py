"""Faults of processes: two with one key, one of an older version, one that is told to end."""

import asyncio
import os
import signal
import sqlite3
import sys

import pytest
import tomlkit

from tests.faults.world import World
from worker.cli.exits import Exit
from worker.config import load_config

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAST = "0023_no_gas_limits.sql"


async def test_fault_19__same_key_twice__second_refuses_and_first_works_on(world: World) -> None:
    processes, operator = world.network.processes, world.victim.operator
    settings = tomlkit.parse(operator.settings.read_text())
    elsewhere = world.network.folder / "elsewhere.toml"
    elsewhere.write_text(tomlkit.dumps({**settings, "data": str(world.network.folder / "another")}))
    posted = await world.post_named()
    for name, file in (("same-folder", operator.settings), ("other-folder", elsewhere)):
        command = [sys.executable, "-m", "worker.cli.devnet.cast", str(file)]
        await processes.start(name, command, {})
        code = await asyncio.wait_for(processes.wait(name), 60)
        await processes.kill(name)

        assert code == Exit.WALLET
        told = f"is in use by process {processes.pid(operator.name)}"
        assert told in processes.log(name).read_text()
    await world.assert_paid(posted)


async def test_fault_38__database_of_the_version_before__migrated_and_its_job_paid(
    world: World,
) -> None:
    posted = await world.post_named()
    await world.until_claimed(posted)
    await world.network.processes.kill(world.victim.operator.name)
    file = load_config(world.victim.operator.settings).data / "worker.sqlite"
    with sqlite3.connect(file) as older:
        ((newest,),) = older.execute(
            "SELECT name FROM schema_version ORDER BY version DESC LIMIT 1"
        )
        assert newest == LAST, "take the newest migration back here"
        older.execute("ALTER TABLE outbox ADD COLUMN gas_limit INTEGER")
        older.execute("DELETE FROM schema_version WHERE name = ?", (LAST,))

    await world.up()
    await world.assert_paid(posted)
    with sqlite3.connect(file) as migrated:
        names = migrated.execute("SELECT name FROM schema_version").fetchall()
    assert (LAST,) in names


async def test_fault_38__database_of_a_later_version__refused_and_left_alone(
    world: World,
) -> None:
    processes, operator = world.network.processes, world.victim.operator
    posted = await world.post_named()
    await world.until_claimed(posted)
    await processes.kill(operator.name)
    file = load_config(operator.settings).data / "worker.sqlite"
    with sqlite3.connect(file) as later:
        later.execute("INSERT INTO schema_version VALUES (9999, '9999_later.sql')")

    await world.network.start(operator)
    assert await asyncio.wait_for(processes.wait(operator.name), 60) == Exit.USAGE
    await processes.kill(operator.name)

    with sqlite3.connect(file) as later:
        later.execute("DELETE FROM schema_version WHERE version = 9999")
    await world.up()
    await world.assert_paid(posted)


async def test_fault_39__told_to_end_with_seats_in_flight__settles_them_and_exits_0(
    world: World,
) -> None:
    posted = await world.post_named()
    await world.until_claimed(posted)
    processes = world.network.processes
    names = [worker.operator.name for worker in world.workers]
    for name in names:
        os.kill(processes.pid(name), signal.SIGTERM)
    codes = await asyncio.wait_for(asyncio.gather(*map(processes.wait, names)), 90)

    assert codes == [0, 0]
    for name in names:
        await processes.kill(name)
    await world.up()
    await world.assert_paid(posted)
