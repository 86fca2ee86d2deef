"""How far the chain was scanned.

Kept in the same database as what the events led to: call these in the transaction that stores it,
so that cursor and consequences move in one step.
"""

from collections.abc import Mapping

from worker.storage.database import Database


class CursorStore:
    """The scanned window: the hashes of the last blocks, the highest being the cursor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[int, bytes]:
        """Return {block number: hash} of the scanned window; empty before the first scan."""
        rows = self._database.query("SELECT number, hash FROM scanned_blocks ORDER BY number")
        return {row["number"]: row["hash"] for row in rows}

    def forget_above(self, block_number: int) -> None:
        """Drop the blocks above that one: a reorg took them away."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scanned_blocks WHERE number > ?", (block_number,))

    def save(self, window: Mapping[int, bytes]) -> None:
        """Replace the window."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scanned_blocks")
            connection.executemany("INSERT INTO scanned_blocks VALUES (?, ?)", window.items())
