"""Who left how many bytes here, and until when: known again after a restart."""

from worker.storage.database import Database
from worker.types import Address, Digest, Timestamp


class UploadStore:
    """Uploads by signer and blob. Every method is one durable step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, signer: Address, digest: Digest, size: int, until: Timestamp) -> None:
        """Count an upload; one that is counted already lasts for the longer of the two times."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?) ON CONFLICT (signer, digest)"
                " DO UPDATE SET kept_until = max(kept_until, excluded.kept_until)",
                (signer, digest, size, until),
            )

    def has(self, signer: Address, digest: Digest) -> bool:
        """Whether this signer's upload of the blob is counted."""
        rows = self._database.query(
            "SELECT 1 FROM uploads WHERE signer = ? AND digest = ?", signer, digest
        )
        return bool(rows)

    def bytes_of(self, signer: Address) -> int:
        """Return the bytes that count for one signer."""
        rows = self._database.query(
            "SELECT coalesce(sum(size), 0) AS bytes FROM uploads WHERE signer = ?", signer
        )
        return int(rows[0]["bytes"])

    def bytes_total(self) -> int:
        """Return the bytes that count for all signers."""
        rows = self._database.query("SELECT coalesce(sum(size), 0) AS bytes FROM uploads")
        return int(rows[0]["bytes"])

    def forget_expired(self, now: float) -> None:
        """Drop those whose time is over."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM uploads WHERE kept_until <= ?", (int(now),))
