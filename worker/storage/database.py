"""One SQLite file, written in durable steps: what a `transaction` wrote survives a power cut."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from worker.errors import ConfigError, StoreCorruptError

_MIGRATION = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_BUSY_MS = 5_000


class Database:
    """A connection for one thread. Calls take milliseconds, so they are not async."""

    def __init__(self, path: Path) -> None:
        """Open or create the file (its folder gets mode 0700) and apply the migrations.

        Raises StoreCorruptError when the file cannot be read or written, ConfigError when a newer
        version of the software wrote it.
        """
        self.path = path
        self._depth = 0
        _make_private(path.parent)
        with _as_store_errors(path):
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    @contextmanager
    def snapshot(cls, path: Path) -> Iterator["Database"]:
        """Read a file that another process may write, as it is now: nothing is created or changed.

        Raises StoreCorruptError when it cannot be read, ConfigError when another version wrote it.
        """
        frozen = cls.__new__(cls)
        frozen.path, frozen._depth = path, 0
        with _as_store_errors(path):
            uri = f"{path.absolute().as_uri()}?mode=ro"
            frozen._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        frozen._connection.row_factory = sqlite3.Row
        try:
            frozen._freeze()
            yield frozen
        finally:
            frozen.close()

    def _freeze(self) -> None:
        """Begin what sees nothing that is committed from now on, and check what is there."""
        with _as_store_errors(self.path):
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            self._connection.execute("BEGIN")
            versions = self._connection.execute("SELECT version FROM schema_version").fetchall()
        if {row[0] for row in versions} != {version for version, _, _ in _migrations()}:
            raise ConfigError(f"{self.path}: written by another version")

    def _prepare(self) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        finding = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if finding != "ok":
            raise StoreCorruptError(f"{self.path}: {finding}")
        _migrate(self._connection, self.path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one durable step: all of it is on disk afterwards, or none.

        Inside another transaction the block becomes part of it, and is undone alone if it raises.
        Never await inside: another task's writes would join the step.
        """
        begin, commit, undo = self._statements()
        with _as_store_errors(self.path):
            self._connection.execute(begin)
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute(commit)
            except BaseException:
                # SQLite rolls back by itself when the disk is full.
                if self._connection.in_transaction:
                    for statement in undo:
                        self._connection.execute(statement)
                raise
            finally:
                self._depth -= 1

    def _statements(self) -> tuple[str, str, tuple[str, ...]]:
        if self._depth == 0:
            return "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)
        point = f"nested_{self._depth}"
        return (
            f"SAVEPOINT {point}",
            f"RELEASE {point}",
            (f"ROLLBACK TO {point}", f"RELEASE {point}"),
        )

    def query(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Return all rows of a SELECT."""
        with _as_store_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    """A store that cannot be trusted stops the worker; mistakes in our SQL stay visible."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise StoreCorruptError(f"{path}: {error}") from error


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreCorruptError(f"{folder}: {error.strerror}") from error


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    )
    applied = {row[0] for row in connection.execute("SELECT version FROM schema_version")}
    known = _migrations()
    if unknown := applied - {version for version, _, _ in known}:
        raise ConfigError(f"{path}: written by a newer version (migration {max(unknown)})")
    for version, name, sql in known:
        if version not in applied:
            _apply(connection, version, name, sql)


def _apply(connection: sqlite3.Connection, version: int, name: str, sql: str) -> None:
    record = f"INSERT INTO schema_version VALUES ({version}, '{name}')"  # noqa: S608  (checked name)
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\n;{record};\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrations() -> list[tuple[int, str, str]]:
    """Return (version, name, SQL) of every migration, in order."""
    folder = resources.files("worker.storage").joinpath("migrations")
    found = []
    for file in folder.iterdir():
        if match := _MIGRATION.match(file.name):
            found.append((int(match[1]), file.name, file.read_text(encoding="utf-8")))
    return sorted(found)
