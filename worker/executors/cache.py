"""Compiled modules on disk. They are native code: the folder is this user's alone."""

import hashlib
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from worker.errors import ConfigError


class ModuleCache:
    """Files named by all that decides whether a compiled module may be loaded."""

    def __init__(self, folder: Path, engine: str) -> None:
        """Use `folder`, made if need be. Raises ConfigError when others could write to it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
        if state.st_uid != os.getuid() or state.st_mode & 0o077:
            raise ConfigError(f"{folder} holds native code: it must be yours, with mode 0700")
        self._folder = folder
        self._suffix = f"{engine}-{platform.machine()}-{_cpu_features()}"

    def path(self, program: bytes) -> Path:
        """Return where the module compiled from `program` lies, or would lie."""
        return self._folder / f"{hashlib.sha256(program).hexdigest()}-{self._suffix}"

    @contextmanager
    def create(self, path: Path) -> Iterator[IO[bytes]]:
        """Yield a file that takes its place at `path` whole, or not at all."""
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def _cpu_features() -> str:
    """Return a short digest of what compiled code may use of this processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    features = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:8]
