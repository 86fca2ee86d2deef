"""The manifest and the task table: everything a run depends on, content-addressed.

Both are canonical JSON: UTF-8, keys sorted, no spaces, no floats. The manifest's sha256 stands in
the job's terms; the table's sha256 stands in the manifest, and the root over its rows in the terms.
"""

import hashlib
import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from worker.errors import InvalidManifestError

MAX_TASKS = 1 << 20
_GUEST_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


def _guest_path(value: str) -> str:
    if len(value) > 255 or not _GUEST_PATH.fullmatch(value):
        raise ValueError("a guest path has parts of letters, digits, '_', '.', '-', no leading dot")
    return value


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
GuestPath = Annotated[str, AfterValidator(_guest_path)]
Text = Annotated[str, Field(max_length=4096)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Limits(_Strict):
    """What one task may use. Each is below the host's own limit, so that the host never decides."""

    fuel: int = Field(ge=1, le=1 << 50)
    memory_bytes: int = Field(ge=1 << 16, le=4 << 30)
    output_bytes: int = Field(ge=0, le=1 << 30)
    output_files: int = Field(default=64, ge=0, le=4096)
    log_bytes: int = Field(default=65536, ge=0, le=1 << 24)


class Task(_Strict):
    """One row of the task table; `files` maps guest paths under /in to blob digests."""

    args: tuple[Text, ...] = Field(default=(), max_length=64)
    env: dict[Name, Text] = Field(default_factory=dict, max_length=64)
    files: dict[GuestPath, Sha256] = Field(default_factory=dict, max_length=256)


class Manifest(_Strict):
    """A job's fixed part. `engine` pins the executor's version and configuration."""

    version: Literal[1] = 1
    kind: Literal["wasm"]
    engine: Annotated[str, Field(max_length=128)]
    program: Sha256
    limits: Limits
    files: dict[GuestPath, Sha256] = Field(default_factory=dict, max_length=256)
    task_count: int = Field(ge=1, le=MAX_TASKS)
    table: Sha256

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical(self.model_dump(mode="json"))

    def digest(self) -> bytes:
        """Return the sha256 of the canonical bytes."""
        return hashlib.sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> "Manifest":
        """Read canonical bytes. Raises InvalidManifestError, also when they are not canonical."""
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            raise InvalidManifestError(f"manifest: {first_problem(error)}") from error
        if manifest.encode() != data:
            raise InvalidManifestError("manifest: not in canonical form")
        return manifest


def encode_table(tasks: list[Task]) -> bytes:
    """Return the table's bytes: one canonical row a line, each ended by a newline."""
    return b"".join(encode_task(task) + b"\n" for task in tasks)


def decode_table(data: bytes, expected: int) -> list[Task]:
    """Read a table of `expected` rows. Raises InvalidManifestError."""
    lines = data.split(b"\n")
    if lines[-1] != b"" or len(lines) - 1 != expected:
        raise InvalidManifestError(f"task table: expected {expected} rows, each ended by a newline")
    return [decode_task(line, row) for row, line in enumerate(lines[:-1])]


def encode_task(task: Task) -> bytes:
    """Return a row's canonical bytes; the inputs root is built over these."""
    return canonical(task.model_dump(mode="json"))


def decode_task(line: bytes, row: int) -> Task:
    """Read one row. Raises InvalidManifestError with the row's number."""
    try:
        task = Task.model_validate_json(line)
    except ValidationError as error:
        raise InvalidManifestError(f"task table row {row}: {first_problem(error)}") from error
    if encode_task(task) != line:
        raise InvalidManifestError(f"task table row {row}: not in canonical form")
    return task


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def first_problem(error: ValidationError) -> str:
    """Return where a document goes wrong first, and how."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'document'}: {first['msg']}"
