"""Pieces of the packages in requirements.lock, by committed lists of their digests."""

import hashlib
import sysconfig
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))


def piece(path: str, digest: str, start: int = 0, length: int | None = None) -> bytes:
    """Return bytes of a file below site-packages. Exits when they are not the locked ones."""
    try:
        data = (PACKAGES / path).read_bytes()
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}; install requirements.lock") from error
    part = data[start : None if length is None else start + length]
    if hashlib.sha256(part).hexdigest() != digest:
        raise SystemExit(f"{path} is not the file of the locked package")
    return part
