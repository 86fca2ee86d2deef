"""What a job over a tensor program depends on, content-addressed (docs/tensor.md §9).

Manifest and task table are canonical JSON as those of WebAssembly jobs are. The posting names the
program's root and the tree of the tasks' inputs, which are what a court opens; the manifest adds
where the bytes are: the digests of the program's file and of every input tensor.
"""

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import InvalidManifestError
from worker.protocol.manifest import MAX_TASKS, Sha256, canonical, first_problem

MAX_INPUTS = 16
"""The most inputs that a tensor program takes (docs/tensor.md §6)."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical(self.model_dump(mode="json"))


class TensorManifest(_Strict):
    """A job's fixed part. `program` is the sha256 of the program's file, `root` its root."""

    version: Literal[1] = 1
    kind: Literal["tensor"] = "tensor"
    program: Sha256
    root: Sha256
    task_count: int = Field(ge=1, le=MAX_TASKS)
    table: Sha256

    def digest(self) -> bytes:
        """Return the sha256 of the canonical bytes."""
        return hashlib.sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> "TensorManifest":
        """Read canonical bytes. Raises InvalidManifestError, also when they are not canonical."""
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            raise InvalidManifestError(f"manifest: {first_problem(error)}") from error
        if manifest.encode() != data:
            raise InvalidManifestError("manifest: not in canonical form")
        return manifest


class TensorTask(_Strict):
    """One row of the task table. `inputs` are the sha256 of each input tensor's bytes, in the
    program's order; `digest` is the task input, the leaf that the posting's tree has for it."""

    inputs: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=MAX_INPUTS)]
    digest: Sha256


def encode_tensor_table(tasks: list[TensorTask]) -> bytes:
    """Return the table's bytes: one canonical row a line, each ended by a newline."""
    return b"".join(task.encode() + b"\n" for task in tasks)


def decode_tensor_table(data: bytes, expected: int) -> list[TensorTask]:
    """Read a table of `expected` rows. Raises InvalidManifestError with the row's number."""
    lines = data.split(b"\n")
    if lines[-1] != b"" or len(lines) - 1 != expected:
        raise InvalidManifestError(f"task table: expected {expected} rows, each ended by a newline")
    return [decode_tensor_task(line, row) for row, line in enumerate(lines[:-1])]


def decode_tensor_task(line: bytes, row: int) -> TensorTask:
    """Read one row. Raises InvalidManifestError with the row's number."""
    try:
        task = TensorTask.model_validate_json(line)
    except ValidationError as error:
        raise InvalidManifestError(f"task table row {row}: {first_problem(error)}") from error
    if task.encode() != line:
        raise InvalidManifestError(f"task table row {row}: not in canonical form")
    return task


class TensorResult(_Strict):
    """What a worker tells of a task's run: the blob that proves its outputs.

    The blob has a trace's leaves, 32 bytes for each operator, then the bytes of the output tensors
    in the program's order. The leaves give the sealed trace root, the outputs their leaves.
    """

    kind: Literal["tensor"] = "tensor"
    blob: Sha256
    size: int = Field(ge=32)

    @classmethod
    def decode(cls, data: bytes) -> "TensorResult":
        """Read canonical bytes. Raises InvalidManifestError."""
        try:
            result = cls.model_validate_json(data)
        except ValidationError as error:
            raise InvalidManifestError(f"result: {first_problem(error)}") from error
        if result.encode() != data:
            raise InvalidManifestError("result: not in canonical form")
        return result
