"""Builds what a job file describes: manifest, task table, inputs root and blobs.

The same files give the same bytes on every machine.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from worker.client import tasks, templates
from worker.client.spec import JobSpec, check_placeholders
from worker.errors import InvalidProgramError, SpecError
from worker.executors.engine import MAX_MODULE_BYTES, check_sections, engine_id
from worker.protocol.manifest import Limits, Manifest, Task, encode_table, encode_task
from worker.protocol.merkle import root_of_rows
from worker.types import Digest

MAX_BLOB_BYTES = 1 << 30


@dataclass(frozen=True)
class Build:
    """A job ready to be posted. `blobs` has every blob but the manifest and the table, which are
    in memory: their digests, and the local files that hold them."""

    spec: JobSpec
    manifest: Manifest
    rows: tuple[Task, ...]
    table: bytes
    inputs_root: bytes
    blobs: dict[Digest, Path]

    @property
    def program(self) -> bytes:
        """The program's sha256."""
        return bytes.fromhex(self.manifest.program)

    @cached_property
    def documents(self) -> dict[Digest, bytes]:
        """The blobs that exist only here: manifest and table."""
        return {sha256(data): data for data in (self.manifest.encode(), self.table)}

    @property
    def bytes_total(self) -> int:
        """The size of all blobs."""
        files = sum(path.stat().st_size for path in self.blobs.values())
        return files + sum(map(len, self.documents.values()))


def sha256(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(hashlib.sha256(data).digest())


def build(spec: JobSpec, folder: Path, only: Iterable[int] | None = None) -> Build:
    """Read the files under `folder` and build the job; `only` keeps the tasks of these numbers.

    Raises SpecError.
    """
    files = _Files(folder)
    program = files.digest("program", spec.program, MAX_MODULE_BYTES)
    _check_program(files.blobs[program])
    common, own = _split_inputs(spec)
    shared = {guest: files.digest(f"inputs.{guest}", path).hex() for guest, path in common.items()}
    rows = tasks.expand(spec.tasks, folder)
    _check_columns(spec, set(rows[0].values))
    keep = range(len(rows)) if only is None else sorted(set(only))
    table_rows = tuple(_task(spec, rows[index], own, set(shared), files) for index in keep)
    table = encode_table(list(table_rows))
    manifest = Manifest(
        kind="wasm",
        engine=engine_id(),
        program=program.hex(),
        limits=Limits(
            fuel=spec.limits.fuel,
            memory_bytes=spec.limits.memory,
            output_bytes=spec.limits.output,
            output_files=spec.limits.files,
            log_bytes=spec.limits.log,
        ),
        files=shared,
        task_count=len(table_rows),
        table=sha256(table).hex(),
    )
    root = root_of_rows(encode_task(row) for row in table_rows)
    return Build(spec, manifest, table_rows, table, root, files.blobs)


class _Files:
    """The local files met so far, each hashed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Digest] = {}
        self.blobs: dict[Digest, Path] = {}

    def digest(self, field: str, local: str, limit: int = MAX_BLOB_BYTES) -> Digest:
        """Return the sha256 of a file under the folder. Raises SpecError at `field`."""
        if local not in self._known:
            path = tasks.local_path(field, local, self._folder)
            if path.stat().st_size > limit:
                raise SpecError(field, f'"{local}" is larger than {limit} bytes')
            try:
                with path.open("rb") as file:
                    digest = Digest(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise SpecError(field, f'"{local}": {error.strerror}') from error
            self._known[local] = digest
            self.blobs[digest] = path
        return self._known[local]


def _split_inputs(spec: JobSpec) -> tuple[dict[str, str], dict[str, str]]:
    """Return the inputs common to all tasks, and those that each task selects."""
    own = {guest: path for guest, path in spec.inputs.items() if templates.placeholders(path)}
    common = {
        guest: templates.fill(path, {}) for guest, path in spec.inputs.items() if guest not in own
    }
    return common, own


def _check_columns(spec: JobSpec, known: set[str]) -> None:
    try:
        for path, template in spec.templates():
            check_placeholders(path, template, known)
    except PydanticCustomError as error:
        context = error.context or {}
        raise SpecError(context["path"], context["message"]) from error


def _task(
    spec: JobSpec, row: tasks.Row, own: dict[str, str], shared: set[str], files: _Files
) -> Task:
    selected = {guest: templates.fill(path, row.values) for guest, path in own.items()}
    if clash := sorted((shared | set(selected)) & set(row.files)):
        raise SpecError(f"inputs.{clash[0]}", "a file of `tasks.files` has the same guest path")
    digests = {
        guest: files.digest("tasks.files" if guest in row.files else f"inputs.{guest}", local).hex()
        for guest, local in {**selected, **row.files}.items()
    }
    try:
        return Task(
            args=tuple(templates.fill(template, row.values) for template in spec.args),
            env={name: templates.fill(value, row.values) for name, value in spec.env.items()},
            files=digests,
        )
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        message = error.errors()[0]["msg"]
        raise SpecError(where, f"task {row.values['index']}: {message}") from error


def _check_program(path: Path) -> None:
    try:
        check_sections(path.read_bytes())
    except InvalidProgramError as error:
        raise SpecError("program", str(error)) from error
