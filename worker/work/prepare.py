"""Everything a batch needs, fetched, checked and compiled before anybody commits to it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from worker.errors import InvalidManifestError
from worker.executors.base import Executor
from worker.protocol.manifest import Manifest, Task, decode_task
from worker.protocol.merkle import root_of_rows
from worker.storage.fetch import Fetcher
from worker.types import Digest, TaskIndex, Timestamp

MAX_MANIFEST_BYTES = 1 << 20


class WorkLimits(BaseModel):
    """The most that this operator gives a job; a manifest that asks for more is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fuel: int = Field(default=10**13, ge=1)
    memory_bytes: int = Field(default=2 << 30, ge=1)
    output_bytes: int = Field(default=256 << 20, ge=0)
    log_bytes: int = Field(default=1 << 20, ge=0)
    program_bytes: int = Field(default=64 << 20, ge=1)
    table_bytes: int = Field(default=64 << 20, ge=1)
    input_bytes: int = Field(default=1 << 30, ge=0)  # of one batch, every blob once


@dataclass(frozen=True)
class Effort:
    """What a task takes at most: fuel of a WebAssembly module, or a tensor program's steps."""

    fuel: int = 0
    steps: int = 0


@dataclass(frozen=True)
class JobSource:
    """What the chain says about a job's content, and where the payer says it lies."""

    manifest: Digest
    program: Digest
    inputs_root: bytes
    task_count: int
    locators: tuple[str, ...]


@dataclass(frozen=True)
class PreparedJob:
    """A job whose manifest, table and program are here, agree with the chain, and compile.

    `rows` are the table's encoded rows.
    """

    source: JobSource
    manifest: Manifest
    program: Path
    rows: tuple[bytes, ...]

    @property
    def effort(self) -> Effort:
        """What a task takes at most."""
        return Effort(fuel=self.manifest.limits.fuel)


@dataclass(frozen=True)
class PreparedTask:
    """One task and its input files: guest path → file on this host."""

    index: TaskIndex
    task: Task
    files: Mapping[str, Path]


@dataclass(frozen=True)
class PreparedBatch:
    """A batch that can run without the network."""

    job: PreparedJob
    tasks: tuple[PreparedTask, ...]


class Preparer:
    """Prepares jobs and batches for one executor, within the operator's limits.

    Both methods raise InvalidManifestError, InvalidBlobError or InvalidProgramError when this job
    can never run here, FetchError or StoreFullError when it may later. What they fetch is kept
    until `keep_until`.
    """

    def __init__(self, fetcher: Fetcher, executor: Executor, limits: WorkLimits) -> None:
        self._fetcher = fetcher
        self._executor = executor
        self._limits = limits

    async def prepare_job(self, source: JobSource, keep_until: Timestamp) -> PreparedJob:
        """Fetch and check what all batches share, and compile the program."""
        manifest = await self._manifest(source, keep_until)
        self._check_limits(manifest)
        rows = await self._rows(source, manifest, keep_until)
        program = await self._fetcher.fetch(
            source.program, source.locators, self._limits.program_bytes, keep_until
        )
        await self._executor.prepare(program, manifest)
        return PreparedJob(source, manifest, program, rows)

    async def prepare_batch(
        self, job: PreparedJob, first: TaskIndex, count: int, keep_until: Timestamp
    ) -> PreparedBatch:
        """Fetch the inputs of tasks `first` to `first + count`, cut at the job's end."""
        shared = job.manifest.files
        tasks = {
            TaskIndex(row): decode_task(job.rows[row], row)
            for row in range(first, min(first + count, len(job.rows)))
        }
        named = {row: _merged(shared, task.files, row) for row, task in tasks.items()}
        wanted = {Digest(bytes.fromhex(d)) for files in named.values() for d in files.values()}
        paths = await fetch_all(
            self._fetcher, job.source, wanted, self._limits.input_bytes, keep_until
        )
        return PreparedBatch(
            job,
            tuple(
                PreparedTask(row, task, {guest: paths[d] for guest, d in named[row].items()})
                for row, task in tasks.items()
            ),
        )

    async def _manifest(self, source: JobSource, keep_until: Timestamp) -> Manifest:
        path = await self._fetcher.fetch(
            source.manifest, source.locators, MAX_MANIFEST_BYTES, keep_until
        )
        manifest = Manifest.decode(path.read_bytes())
        if manifest.program != source.program.hex():
            raise InvalidManifestError("manifest: names another program than the posting")
        if manifest.task_count != source.task_count:
            raise InvalidManifestError(
                f"manifest: {manifest.task_count} tasks, the posting says {source.task_count}"
            )
        return manifest

    def _check_limits(self, manifest: Manifest) -> None:
        for name in ("fuel", "memory_bytes", "output_bytes", "log_bytes"):
            asked, given = getattr(manifest.limits, name), getattr(self._limits, name)
            if asked > given:
                raise InvalidManifestError(
                    f"manifest: limits.{name} {asked} is above this worker's {given}"
                )

    async def _rows(
        self, source: JobSource, manifest: Manifest, keep_until: Timestamp
    ) -> tuple[bytes, ...]:
        path = await self._fetcher.fetch(
            Digest(bytes.fromhex(manifest.table)),
            source.locators,
            self._limits.table_bytes,
            keep_until,
        )
        return await asyncio.to_thread(_read_rows, path, manifest.task_count, source.inputs_root)


async def fetch_all(
    fetcher: Fetcher, source: JobSource, wanted: set[Digest], cap: int, keep_until: Timestamp
) -> dict[str, Path]:
    """Return the file of each blob by its hex digest. Raises InvalidManifestError when they have
    more than `cap` bytes together."""
    paths: dict[str, Path] = {}

    async def fetch(digest: Digest) -> None:
        path = await fetcher.fetch(digest, source.locators, cap, keep_until)
        paths[digest.hex()] = path
        if sum(path.stat().st_size for path in paths.values()) > cap:
            raise InvalidManifestError(f"the batch's inputs are above this worker's {cap} bytes")

    try:
        async with asyncio.TaskGroup() as group:
            for digest in sorted(wanted):
                group.create_task(fetch(digest))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return paths


def split_rows(table: bytes, count: int) -> list[bytes]:
    """Return the table's encoded rows. Raises InvalidManifestError unless there are `count`."""
    lines = table.split(b"\n")
    if lines.pop() != b"" or len(lines) != count:
        raise InvalidManifestError(f"task table: expected {count} rows, each ended by a newline")
    return lines


def _read_rows(path: Path, count: int, inputs_root: bytes) -> tuple[bytes, ...]:
    """Split the table without decoding it: a batch decodes only its own rows."""
    lines = split_rows(path.read_bytes(), count)
    if root_of_rows(lines) != inputs_root:
        raise InvalidManifestError("task table: its root is not the posting's inputs root")
    return tuple(lines)


def _merged(shared: Mapping[str, str], own: Mapping[str, str], row: int) -> dict[str, str]:
    """Return a task's files: the job's and its own, no path twice, none inside another."""
    if twice := shared.keys() & own.keys():
        raise InvalidManifestError(f"task {row}: the job has a file {min(twice)} already")
    files = {**shared, **own}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    if clash := folders & files.keys():
        raise InvalidManifestError(f"task {row}: {min(clash)} is both a file and a folder")
    return files


def seed_of(manifest: Digest, index: TaskIndex) -> bytes:
    """Return a task's 32-byte seed: sha256 of the manifest's digest and the index in 8 bytes."""
    return hashlib.sha256(manifest + index.to_bytes(8, "big")).digest()
