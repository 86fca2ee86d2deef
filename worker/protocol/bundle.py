"""The output bundle: a run's stdout, stderr and output files as one canonical file.

Layout: 8 bytes, big-endian, the length of the index; the index, canonical JSON, a list of
{"name", "sha256", "size"} sorted by name; then the contents in the same order, nothing after.
Names are "stdout", "stderr" and "out/…"; the same entries always give the same bytes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from worker.errors import InvalidBlobError
from worker.protocol.manifest import GuestPath, Sha256, canonical

MAX_INDEX_BYTES = 4 << 20
"""Room for 4096 output files with the longest names, and more."""

_COPY_BYTES = 1 << 20
_LENGTH_BYTES = 8
_STREAMS = ("stderr", "stdout")


class Entry(BaseModel):
    """One file of a bundle: its name, its size in bytes and the sha256 of its content."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: GuestPath
    sha256: Sha256
    size: int = Field(ge=0)


_INDEX = TypeAdapter(list[Entry])


def pack(entries: Mapping[str, bytes | bytearray], target: BinaryIO) -> None:
    """Write a bundle of `entries`, name → content, to an empty file."""
    index = [
        Entry(name=name, sha256=hashlib.sha256(entries[name]).hexdigest(), size=len(entries[name]))
        for name in sorted(entries)
    ]
    encoded = _encode(index)
    target.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
    for entry in index:
        target.write(entries[entry.name])


class Bundle:
    """Reads a bundle from an open file, which stays the caller's to close."""

    def __init__(self, file: BinaryIO) -> None:
        """Read and check the index. Raises InvalidBlobError unless it is canonical."""
        self._file = file
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
        if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, MAX_INDEX_BYTES):
            raise InvalidBlobError("bundle: the index is cut short or too long")
        self.entries = _decode(file.read(length))
        contents = _LENGTH_BYTES + length
        self._offsets: dict[str, int] = {}
        for entry in self.entries:
            self._offsets[entry.name] = contents
            contents += entry.size
        if contents != size:
            raise InvalidBlobError(f"bundle: {size} bytes where the index says {contents}")

    def read(self, name: str) -> bytes:
        """Return one entry's content. Raises KeyError, or InvalidBlobError on a wrong digest."""
        entry = next((entry for entry in self.entries if entry.name == name), None)
        if entry is None:
            raise KeyError(name)
        return b"".join(self._checked(entry))

    def extract(self, folder: Path) -> list[Path]:
        """Write every entry under `folder`, which must not hold them yet; return the paths.

        Raises InvalidBlobError on a wrong digest; what was written before stays.
        """
        paths = []
        for entry in self.entries:
            path = folder / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as target:
                for piece in self._checked(entry):
                    target.write(piece)
            paths.append(path)
        return paths

    def _checked(self, entry: Entry) -> Iterable[bytes]:
        self._file.seek(self._offsets[entry.name])
        digest = hashlib.sha256()
        left = entry.size
        while left:
            piece = self._file.read(min(left, _COPY_BYTES))
            if not piece:
                raise InvalidBlobError(f"bundle: {entry.name} is cut short")
            digest.update(piece)
            left -= len(piece)
            yield piece
        if digest.hexdigest() != entry.sha256:
            raise InvalidBlobError(f"bundle: {entry.name} is not what its digest says")


def _encode(index: list[Entry]) -> bytes:
    return canonical([entry.model_dump() for entry in index])


def _decode(encoded: bytes) -> list[Entry]:
    try:
        index = _INDEX.validate_json(encoded)
    except ValidationError as error:
        raise InvalidBlobError(f"bundle: {error.errors()[0]['msg']}") from error
    names = [entry.name for entry in index]
    if _encode(index) != encoded or names != sorted(set(names)):
        raise InvalidBlobError("bundle: the index is not in canonical form")
    if not set(_STREAMS).issubset(names) or not all(_is_allowed(name) for name in names):
        raise InvalidBlobError('bundle: names are "stdout", "stderr" and "out/…", nothing else')
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    if not folders.isdisjoint(names):
        raise InvalidBlobError("bundle: a file is named as another's folder")
    return index


def _is_allowed(name: str) -> bool:
    return name in _STREAMS or name.startswith("out/")
