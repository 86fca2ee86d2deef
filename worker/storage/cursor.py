"""How far the chain was scanned: the hashes of the last blocks, the highest being the cursor."""

from worker.storage.database import Database


class CursorStore:
    """Kept in the same database as what the events led to, so both move in one step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[int, bytes]:
        """Return {block number: hash} of the scanned window; empty before the first scan."""
        rows = self._database.query("SELECT number, hash FROM scanned_blocks ORDER BY number")
        return {row["number"]: row["hash"] for row in rows}

    def save(self, blocks: dict[int, bytes]) -> None:
        """Replace the window; call it in the transaction that stores the events."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scanned_blocks")
            connection.executemany("INSERT INTO scanned_blocks VALUES (?, ?)", blocks.items())
