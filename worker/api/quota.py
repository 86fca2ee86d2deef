"""How many bytes each signer may leave with this worker, and all of them together."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.api.config import ApiConfig
from worker.api.middleware import Refusal
from worker.protocol.uploads import Upload
from worker.storage.uploads import UploadStore
from worker.types import Address, Digest, Timestamp

_SMALLEST = 4096  # bytes; a file takes a disk block, however short it is
_TOKEN = 10**18


def allowance(config: ApiConfig, balance: int) -> int:
    """Return the bytes that a signer with `balance` (in the network token's smallest unit) may
    leave: so many for each whole token, up to a cap. Splitting an account gains nothing."""
    return min(config.upload_signer_bytes, balance // _TOKEN * config.upload_bytes_per_token)


class UploadQuota:
    """Counts unexpired uploads: each signer's allowance, and `total` bytes over all signers.

    What is being received counts from its first byte on, in memory; what was stored, on disk.
    """

    def __init__(self, store: UploadStore, total: int) -> None:
        self._store = store
        self._total = total
        self._running: dict[tuple[Address, Digest], int] = {}

    @contextmanager
    def hold(self, upload: Upload, until: Timestamp, allowed: int, now: float) -> Iterator[None]:
        """Count an upload; forget it when the block fails. Raises Refusal over a limit."""
        key = (upload.signer, upload.digest)
        if key in self._running:
            raise Refusal(409, "in_progress", "this signer is sending this blob already")
        self._store.forget_expired(now)
        is_new = not self._store.has(*key)
        size = max(upload.size, _SMALLEST)
        if is_new:
            self._check(upload.signer, size, allowed)
        self._running[key] = size if is_new else 0
        try:
            yield
            self._store.add(upload.signer, upload.digest, size, until)
        finally:
            del self._running[key]

    def _check(self, signer: Address, size: int, allowed: int) -> None:
        running = sum(size for (one, _), size in self._running.items() if one == signer)
        if self._store.bytes_of(signer) + running + size > allowed:
            raise Refusal(403, "over_quota", f"this signer may leave {allowed} bytes here")
        if self._store.bytes_total() + sum(self._running.values()) + size > self._total:
            raise Refusal(507, "full", "no room for uploads now", Retry_After="60")
