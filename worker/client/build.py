"""What a job file becomes: manifest, task table, inputs root and blobs.

The same files give the same bytes on every machine.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from pydantic_core import PydanticCustomError

from worker.client import tasks
from worker.client.base_spec import BaseSpec
from worker.client.fields import check_placeholders
from worker.client.spec import JobSpec
from worker.errors import SpecError
from worker.protocol.manifest import Manifest, Task
from worker.protocol.tensor_job import TensorManifest, TensorTask
from worker.types import Digest

MAX_BLOB_BYTES = 1 << 30


@dataclass(frozen=True)
class Blob:
    """A blob of `size` bytes that comes out of a local file, by itself the file."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        """Return the blob's bytes from the beginning. Raises OSError."""
        return self.path.open("rb")


@dataclass(frozen=True)
class Build:
    """A job ready to be posted. `program` is what the posting names, in either kind of job a
    digest; `blobs` has every blob but the manifest and the table, which are in memory."""

    spec: JobSpec
    program: bytes
    manifest: Manifest | TensorManifest
    rows: tuple[Task, ...] | tuple[TensorTask, ...]
    table: bytes
    inputs_root: bytes
    blobs: dict[Digest, Blob]

    @cached_property
    def documents(self) -> dict[Digest, bytes]:
        """The blobs that exist only here: manifest and table."""
        return {sha256(data): data for data in (self.manifest.encode(), self.table)}

    @property
    def bytes_total(self) -> int:
        """The size of all blobs."""
        files = sum(blob.size for blob in self.blobs.values())
        return files + sum(map(len, self.documents.values()))


def sha256(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(hashlib.sha256(data).digest())


class Files:
    """The local files met so far, each hashed once."""

    def __init__(self, folder: Path) -> None:
        """Take files under `folder` only."""
        self._folder = folder
        self._known: dict[str, Digest] = {}
        self.blobs: dict[Digest, Blob] = {}

    def digest(self, field: str, local: str, limit: int = MAX_BLOB_BYTES) -> Digest:
        """Return the sha256 of a file under the folder. Raises SpecError at `field`."""
        if local not in self._known:
            path = tasks.local_path(field, local, self._folder)
            size = path.stat().st_size
            if size > limit:
                raise SpecError(field, f'"{local}" is larger than {limit} bytes')
            try:
                with path.open("rb") as file:
                    digest = Digest(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise SpecError(field, f'"{local}": {error.strerror}') from error
            self._known[local] = digest
            self.blobs[digest] = Blob(path, size)
        return self._known[local]


def check_columns(spec: BaseSpec, known: set[str]) -> None:
    """Raise SpecError for a placeholder that stands for none of the columns `known`."""
    try:
        for path, template in spec.templates():
            check_placeholders(path, template, known)
    except PydanticCustomError as error:
        context = error.context or {}
        raise SpecError(context["path"], context["message"]) from error
