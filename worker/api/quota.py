"""How many bytes each signer has left with this worker, by upload."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.api.middleware import Refusal
from worker.protocol.uploads import Upload
from worker.types import Address, Digest, Timestamp

_SMALLEST = 4096  # bytes; a file takes a disk block, however short it is


class UploadQuota:
    """Counts unexpired uploads, at most `total` bytes over all signers.

    Kept in memory: after a restart signers may upload anew, within the blob store's own quota.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._held: dict[Address, dict[Digest, tuple[int, Timestamp]]] = {}
        self._running: set[tuple[Address, Digest]] = set()

    @contextmanager
    def hold(self, upload: Upload, until: Timestamp, allowance: int, now: float) -> Iterator[None]:
        """Count an upload; forget it when the block fails. Raises Refusal over a limit."""
        key = (upload.signer, upload.digest)
        if key in self._running:
            raise Refusal(409, "in_progress", "this signer is sending this blob already")
        self._forget_expired(now)
        before = self._of(upload.signer).get(upload.digest)
        size = max(upload.size, _SMALLEST)
        if before is None:
            self._check(upload.signer, size, allowance)
        self._running.add(key)
        self._of(upload.signer)[upload.digest] = (size, max(until, before[1] if before else until))
        try:
            yield
        except BaseException:
            if before is None:
                self._of(upload.signer).pop(upload.digest, None)
            raise
        finally:
            self._running.discard(key)

    def _of(self, signer: Address) -> dict[Digest, tuple[int, Timestamp]]:
        return self._held.setdefault(signer, {})

    def _check(self, signer: Address, size: int, allowance: int) -> None:
        if _sum(self._of(signer)) + size > allowance:
            raise Refusal(403, "over_quota", f"this signer may leave {allowance} bytes here")
        if sum(_sum(each) for each in self._held.values()) + size > self._total:
            raise Refusal(507, "full", "no room for uploads now", Retry_After="60")

    def _forget_expired(self, now: float) -> None:
        for signer, held in list(self._held.items()):
            for digest in [d for d, (_, until) in held.items() if until <= now]:
                del held[digest]
            if not held:
                del self._held[signer]


def _sum(held: dict[Digest, tuple[int, Timestamp]]) -> int:
    return sum(size for size, _ in held.values())
