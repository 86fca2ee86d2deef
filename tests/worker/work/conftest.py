"""A job on a real file store and the real WASM executor; tests change one thing of it."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from wasmtime import wat2wasm

from worker.executors.wasm import WasmExecutor, open_executor
from worker.protocol.manifest import Limits, Manifest, Task, encode_table, encode_task
from worker.protocol.merkle import root_of_rows
from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp
from worker.types import Digest, Timestamp
from worker.work.prepare import JobSource, Preparer, WorkLimits

LATER = Timestamp(4_000_000_000)

# Writes 64 random bytes to standard output; what is random depends on the seed alone.
PROGRAM = """
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $random (i32.const 64) (i32.const 64)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 64))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""
CODE = bytes(wat2wasm(PROGRAM))


def sha256(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest())


@dataclass
class Payer:
    """Puts blobs where workers look for them, and says what the chain would say."""

    folder: Path
    engine: str

    def leave(self, data: bytes) -> str:
        """Publish a blob; return its digest in hex."""
        name = sha256(data).hex()
        (self.folder / name).write_bytes(data)
        return name

    def post(self, tasks: list[Task], code: bytes = CODE, **changes) -> JobSource:
        """Publish a job; `changes` go into its manifest."""
        table = encode_table(tasks)
        manifest = Manifest(
            kind="wasm",
            engine=self.engine,
            program=self.leave(code),
            limits=Limits(fuel=1_000_000, memory_bytes=1 << 20, output_bytes=4096),
            task_count=len(tasks),
            table=self.leave(table),
        )
        manifest = manifest.model_copy(update=changes)
        self.leave(manifest.encode())
        return JobSource(
            manifest=Digest(manifest.digest()),
            program=sha256(code),
            inputs_root=root_of_rows([encode_task(task) for task in tasks]),
            task_count=len(tasks),
            locators=(f"file://{self.folder}/{{digest}}",),
        )

    def withhold(self, digest: str) -> None:
        (self.folder / digest).unlink()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WasmExecutor]:
    executor = await open_executor(tmp_path_factory.mktemp("modules"))
    yield executor
    await executor.close()


@pytest.fixture
def payer(tmp_path: Path, executor: WasmExecutor) -> Payer:
    (tmp_path / "payer").mkdir()
    return Payer(tmp_path / "payer", executor.engine)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", quota=1 << 24, free_floor=0)


@pytest_asyncio.fixture(loop_scope="module")
async def preparer(store: BlobStore, executor: WasmExecutor) -> AsyncIterator[Preparer]:
    async with GuardedHttp(allow_private=True) as http:
        fetcher = Fetcher(store, http, FetchConfig())
        yield Preparer(fetcher, executor, WorkLimits(fuel=2_000_000, input_bytes=10_000))
