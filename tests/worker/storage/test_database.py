import sqlite3
from pathlib import Path

import pytest

from worker.errors import ConfigError, StoreCorruptError
from worker.protocol.outbox import Intent
from worker.storage import database as database_module
from worker.storage.cursor import CursorStore
from worker.storage.database import Database
from worker.storage.jobs import JobState, JobStore
from worker.storage.outbox import SqliteOutbox
from worker.types import Address

TO = Address("0x" + "11" * 20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "worker.sqlite"


def test_open__new_file__private_durable_and_migrated(path):
    database = Database(path)

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert database.query("PRAGMA journal_mode")[0][0] == "wal"
    assert database.query("PRAGMA synchronous")[0][0] == 2  # FULL
    assert database.query("PRAGMA foreign_keys")[0][0] == 1
    versions = [row[0] for row in database.query("SELECT version FROM schema_version")]
    assert versions[:2] == [1, 2]
    Database(path)  # opening again applies nothing twice


def test_open__newer_schema__refused(path):
    database = Database(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later')")

    with pytest.raises(ConfigError, match="newer version"):
        Database(path)


def test_snapshot__written_meanwhile__shows_the_moment_it_was_opened(path):
    writer = Database(path)
    with Database.snapshot(path) as frozen:
        CursorStore(writer).save({1: b"one"})
        assert CursorStore(frozen).load() == {}
        with pytest.raises(StoreCorruptError):
            CursorStore(frozen).save({2: b"two"})

    assert CursorStore(writer).load() == {1: b"one"}


def test_snapshot__no_file_or_another_version__refused(path):
    with pytest.raises(StoreCorruptError), Database.snapshot(path):
        pass
    assert not path.parent.exists()
    with Database(path).transaction() as connection:
        connection.execute("DELETE FROM schema_version WHERE version = 1")
    with pytest.raises(ConfigError, match="another version"), Database.snapshot(path):
        pass


def test_open__a_file_of_before_lanes__its_jobs_are_replicated(path, monkeypatch):
    every = database_module._migrations()
    monkeypatch.setattr(database_module, "_migrations", lambda: [m for m in every if m[0] < 11])
    before = Database(path)
    with before.transaction() as connection:
        connection.execute(
            "INSERT INTO jobs VALUES (x'01', 1, '', x'', x'', x'', x'', x'', x'', x'', x'', 9,"
            " 'ready', NULL)"
        )
    before.close()
    monkeypatch.undo()

    (job,) = JobStore(Database(path)).open_jobs("ReplicatedJobs", JobState.READY, 1, 0)

    assert (job.job, job.service) == (b"\x01", "ReplicatedJobs")


def test_open__not_a_database__store_corrupt(path):
    path.parent.mkdir()
    path.write_bytes(b"these are not the bytes of a database" * 100)

    with pytest.raises(StoreCorruptError, match=r"worker\.sqlite"):
        Database(path)


def test_open__damaged_pages__store_corrupt(path):
    database = Database(path)
    with database.transaction() as connection:
        for number in range(2000):
            connection.execute("INSERT INTO scanned_blocks VALUES (?, ?)", (number, b"x" * 32))
    database.close()
    damaged = bytearray(path.read_bytes())
    damaged[8192:-4096] = b"\xff" * (len(damaged) - 12288)
    path.write_bytes(damaged)

    with pytest.raises(StoreCorruptError):
        Database(path)


def test_open__folder_is_a_file__store_corrupt(tmp_path):
    (tmp_path / "data").write_text("")

    with pytest.raises(StoreCorruptError):
        Database(tmp_path / "data" / "worker.sqlite")


def test_transaction__raises__nothing_is_kept(path):
    database = Database(path)

    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute("INSERT INTO scanned_blocks VALUES (1, x'00')")
        raise RuntimeError

    assert CursorStore(database).load() == {}


def test_transaction__nested_raises__outer_part_is_kept(path):
    database = Database(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO scanned_blocks VALUES (1, x'00')")
        with pytest.raises(RuntimeError), database.transaction():
            connection.execute("INSERT INTO scanned_blocks VALUES (2, x'00')")
            raise RuntimeError

    assert list(CursorStore(database).load()) == [1]


def test_transaction__outer_raises__nested_outbox_write_is_undone(path):
    database = Database(path)
    outbox = SqliteOutbox(database)

    with pytest.raises(RuntimeError), database.transaction():
        outbox.enqueue(Intent("seal:1", TO, b""))
        raise RuntimeError

    assert outbox.entries() == []


def test_transaction__disk_full__store_corrupt_and_earlier_steps_kept(path):
    database = Database(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO scanned_blocks VALUES (1, x'00')")
    pages = database.query("PRAGMA page_count")[0][0]
    database.query(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreCorruptError, match="full"), database.transaction() as connection:
        connection.execute("INSERT INTO scanned_blocks VALUES (2, ?)", (b"x" * 100_000,))

    assert list(Database(path).query("SELECT number FROM scanned_blocks")[0]) == [1]


def test_transaction__constraint_broken__stays_an_integrity_error(path):
    database = Database(path)
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("INSERT INTO attempts VALUES (1, 99, '', '', 0, 0, '', '', 0, 0)")
