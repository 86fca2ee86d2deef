"""What this machine posted: a file for each job, on disk before anything is signed."""

import json
import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import NotFoundError, StoreCorruptError
from worker.protocol.words import Origin, Terms
from worker.types import Address

Hex32 = Field(pattern=r"^[0-9a-f]{64}$")


class Record(BaseModel):
    """One posting. `key` and `block` are there once it is mined. Amounts and words are integers.

    `source` is the job file's text and `folder` where its files were; `only` are the numbers of
    the tasks that were posted, None for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    name: str
    fingerprint: str = Hex32
    chain_id: int
    service: str
    payer: str
    created_at: int
    source: str
    folder: Path
    only: tuple[int, ...] | None = None
    locators: tuple[str, ...] = ()
    operators: tuple[int, ...] = ()
    blobs: tuple[str, ...] = ()
    a: int
    b: int
    named: str = Hex32
    nonce: int
    program: str = Hex32
    inputs: str = Hex32
    manifest: str = Hex32
    key: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    block: int | None = None
    error: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is not known yet what became of the posting."""
        return self.key is None and self.error is None

    @property
    def origin(self) -> Origin:
        """What stands in the posting besides the terms."""
        return Origin(
            self.nonce,
            bytes.fromhex(self.program),
            bytes.fromhex(self.inputs),
            bytes.fromhex(self.manifest),
        )

    @property
    def terms(self) -> Terms:
        """The terms; `posted_at` is 0 until the job is posted."""
        origin = self.origin.digest(Address(self.payer))
        return Terms.unpack(self.a, self.b, bytes.fromhex(self.named), origin)


class Journal:
    """The records of one network's postings, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, record: Record) -> None:
        """Write a record; it survives a power cut once this returns."""
        data = record.model_dump_json(indent=1).encode()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._folder / f".{record.id}.part"
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / f"{record.id}.json")
            handle = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StoreCorruptError(f"{self._folder}: {error.strerror}") from error

    def records(self) -> list[Record]:
        """Return all records, the newest first."""
        found = [_read(path) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def find(self, reference: str) -> Record | None:
        """Return the record whose key or id begins so, or the newest of that name.

        Raises NotFoundError when several keys begin so.
        """
        records = self.records()
        prefix = reference.removeprefix("0x").lower()
        if len(prefix) >= 4:
            fits = [r for r in records if (r.key or "").startswith(prefix) or r.id == prefix]
            if len(fits) > 1:
                raise NotFoundError(f"{len(fits)} jobs begin with {reference}: write more of it")
            if fits:
                return fits[0]
        return next((record for record in records if record.name == reference), None)

    def pending(self, fingerprint: str, payer: str) -> Record | None:
        """Return the posting of the same job whose fate is not known: it must not be repeated."""
        for record in self.records():
            if record.is_pending and (record.fingerprint, record.payer) == (fingerprint, payer):
                return record
        return None


def _read(path: Path) -> Record:
    try:
        return Record.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        raise StoreCorruptError(f"{path}: not a job's record: {str(error)[:200]}") from error
