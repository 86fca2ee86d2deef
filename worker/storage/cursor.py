"""How far the chain was scanned, and which events were handled already.

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

    def is_first_time(self, block_number: int, block_hash: bytes, log_index: int) -> bool:
        """Note that this event is handled now; False when it was before."""
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO handled_events VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (block_hash, log_index, block_number),
            )
            return cursor.rowcount == 1

    def forget_above(self, block_number: int) -> None:
        """Drop what was handled above that block: a reorg took it away, and may bring it back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM handled_events WHERE block_number > ?", (block_number,))
            connection.execute("DELETE FROM scanned_blocks WHERE number > ?", (block_number,))

    def save(self, window: Mapping[int, bytes]) -> None:
        """Replace the window, and forget handled events that lie below it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scanned_blocks")
            connection.executemany("INSERT INTO scanned_blocks VALUES (?, ?)", window.items())
            connection.execute(
                "DELETE FROM handled_events WHERE block_number < ?", (min(window, default=0),)
            )
