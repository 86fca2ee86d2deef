"""Everything a batch of a tensor program needs, fetched and checked before a commitment."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from worker.errors import InvalidBlobError, InvalidManifestError
from worker.executors.tensor import HEADERS_BYTES, ProgramFacts, TensorExecutor, TensorTaskRun
from worker.protocol.tensor_job import TensorManifest, TensorTask, decode_tensor_task
from worker.storage.fetch import Fetcher
from worker.tensor.commit import Tree
from worker.types import Digest, TaskIndex, Timestamp
from worker.work.prepare import (
    MAX_MANIFEST_BYTES,
    Effort,
    JobSource,
    WorkLimits,
    fetch_all,
    split_rows,
)


@dataclass(frozen=True)
class PreparedTensorJob:
    """A job whose manifest, table and program are here, agree with the chain, and are valid.

    `rows` are the table's encoded rows.
    """

    source: JobSource
    program: Path
    facts: ProgramFacts
    rows: tuple[bytes, ...]

    @property
    def effort(self) -> Effort:
        """What a task takes."""
        return Effort(steps=self.facts.cost.steps)


@dataclass(frozen=True)
class PreparedTensorBatch:
    """A batch that can run without the network: its tasks by their index."""

    job: PreparedTensorJob
    tasks: dict[TaskIndex, TensorTaskRun]


class TensorPreparer:
    """Prepares tensor jobs and batches within the operator's limits; see `prepare.Preparer` for
    the errors. A posting's `program` is the program's root here, its inputs root the tree of the
    tasks' inputs (docs/tensor.md §9)."""

    def __init__(self, fetcher: Fetcher, executor: TensorExecutor, limits: WorkLimits) -> None:
        """`limits` bound the table and a batch's inputs, the executor's own the program."""
        self._fetcher = fetcher
        self._executor = executor
        self._limits = limits

    async def prepare_job(self, source: JobSource, keep_until: Timestamp) -> PreparedTensorJob:
        """Fetch and check what all batches share."""
        manifest = await self._manifest(source, keep_until)
        rows = await self._rows(source, manifest, keep_until)
        most = self._executor.limits.constant_bytes + HEADERS_BYTES
        program = await self._fetcher.fetch(
            _digest(manifest.program), source.locators, most, keep_until
        )
        facts = await self._executor.check(program)
        if facts.root != source.program:
            raise InvalidManifestError("manifest: its program's file has another root")
        return PreparedTensorJob(source, program, facts, rows)

    async def prepare_batch(
        self, job: PreparedTensorJob, first: TaskIndex, count: int, keep_until: Timestamp
    ) -> PreparedTensorBatch:
        """Fetch and check the inputs of tasks `first` to `first + count`, cut at the job's end."""
        indexes = range(first, min(first + count, len(job.rows)))
        rows = {TaskIndex(row): decode_tensor_task(job.rows[row], row) for row in indexes}
        wanted = {_digest(name) for row in rows.values() for name in row.inputs}
        source = job.source
        paths = await fetch_all(self._fetcher, source, wanted, self._limits.input_bytes, keep_until)
        tasks = {}
        for index, row in rows.items():
            files = tuple(paths[name] for name in row.inputs)
            await self._check_task(job, index, row, files)
            tasks[index] = TensorTaskRun(job.program, job.facts.root, files)
        return PreparedTensorBatch(job, tasks)

    async def _check_task(
        self, job: PreparedTensorJob, index: TaskIndex, row: TensorTask, files: tuple[Path, ...]
    ) -> None:
        try:
            digest = await self._executor.check_task(job.facts, files)
        except InvalidBlobError as error:
            raise InvalidBlobError(f"task {index}: {error}") from error
        if digest.hex() != row.digest:
            raise InvalidManifestError(f"task {index}: its inputs are not those of its digest")

    async def _manifest(self, source: JobSource, keep_until: Timestamp) -> TensorManifest:
        path = await self._fetcher.fetch(
            source.manifest, source.locators, MAX_MANIFEST_BYTES, keep_until
        )
        manifest = TensorManifest.decode(path.read_bytes())
        if manifest.root != source.program.hex():
            raise InvalidManifestError("manifest: names another program than the posting")
        if manifest.task_count != source.task_count:
            raise InvalidManifestError(
                f"manifest: {manifest.task_count} tasks, the posting says {source.task_count}"
            )
        return manifest

    async def _rows(
        self, source: JobSource, manifest: TensorManifest, keep_until: Timestamp
    ) -> tuple[bytes, ...]:
        path = await self._fetcher.fetch(
            _digest(manifest.table), source.locators, self._limits.table_bytes, keep_until
        )
        return await asyncio.to_thread(_read_rows, path, manifest.task_count, source.inputs_root)


def _read_rows(path: Path, count: int, inputs_root: bytes) -> tuple[bytes, ...]:
    """Check all rows, one at a time, and keep their bytes."""
    lines = split_rows(path.read_bytes(), count)
    digests = [decode_tensor_task(line, row).digest for row, line in enumerate(lines)]
    if Tree([bytes.fromhex(digest) for digest in digests]).root != inputs_root:
        raise InvalidManifestError("task table: its root is not the posting's inputs root")
    return tuple(lines)


def _digest(name: str) -> Digest:
    return Digest(bytes.fromhex(name))
