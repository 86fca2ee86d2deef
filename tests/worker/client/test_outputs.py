"""Results end to end: run in the sandbox, settled on chain, served by a worker's API, checked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from tests.worker.client.conftest import Cast, job_file
from worker.api.blobs import BlobRoutes
from worker.api.config import ApiConfig
from worker.api.places import Places
from worker.api.results import ResultRoutes
from worker.api.server import ApiServer
from worker.client import AsyncClient
from worker.client.view import JobView
from worker.errors import FetchError, NotFoundError, VerificationError
from worker.executors.wasm import open_executor
from worker.protocol.results import TaskResult
from worker.storage.blobs import BlobStore
from worker.storage.http import Speed
from worker.types import Digest, TaskIndex, Timestamp
from worker.work.execute import execute_task
from worker.work.prepare import JobSource, Preparer, WorkLimits

LATER = Timestamp(4_000_000_000)

# Writes its second argument's first byte to standard output, then traps when that is "2".
PROGRAM = """
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $args (i32.const 64) (i32.const 128)))
    (i32.store (i32.const 0) (i32.load (i32.const 68)))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (i32.eq (i32.load8_u (i32.load (i32.const 68))) (i32.const 50)) (then (unreachable)))))
"""


@dataclass
class Worker:
    """One worker's public listener; what it tells can be made false."""

    store: BlobStore
    documents: dict[int, bytes] = field(default_factory=dict)

    async def is_public(self, digest: Digest) -> bool:
        return True

    async def result(self, job: bytes, task: TaskIndex) -> bytes | None:
        return self.documents.get(task)


@dataclass
class Stage:
    """A settled job whose first operator answers at a real listener."""

    client: AsyncClient
    view: JobView
    worker: Worker
    cast: Cast

    async def announce(self, operator: int, url: str) -> None:
        arguments = (operator, url, 0, bytes(32), 0, 0, "1", 86_400)
        await self.cast.send(operator, "Registry", "announce", *arguments)


@pytest.fixture
async def stage(client, cast, tmp_path: Path) -> AsyncIterator[Stage]:
    file = job_file(tmp_path / "job")
    (tmp_path / "job" / "p.wasm").write_bytes(bytes(wat2wasm(PROGRAM)))
    view = await client.view((await client.submit(file)).key)
    worker = Worker(BlobStore(tmp_path / "worker", 1 << 24, free_floor=0))
    digests = await run_all(client, view, worker, tmp_path)
    await cast.conclude(view, 0, digests[:2])
    await cast.conclude(view, 1, digests[2:])
    places = Places(total=8, per_peer=8)
    server = ApiServer(
        ApiConfig(public_port=0, admin_port=0),
        admin=[],
        public=[BlobRoutes(worker.store, worker.is_public, places, Speed()), ResultRoutes(worker)],
    )
    async with server:
        stage = Stage(client, await client.view("try"), worker, cast)
        await stage.announce(1, f"http://127.0.0.1:{server.public_port}")
        yield stage


async def run_all(client, view, worker: Worker, tmp_path: Path) -> list[bytes]:
    """Run every task as an operator does, and keep what it would serve."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    executor = await open_executor(tmp_path / "modules")
    try:
        preparer = Preparer(client._fetcher, executor, WorkLimits())
        source = JobSource(
            Digest(view.origin.manifest),
            Digest(view.origin.program),
            view.origin.inputs,
            view.terms.tasks,
            view.locators,
        )
        job = await preparer.prepare_job(source, LATER)
        batch = await preparer.prepare_batch(job, TaskIndex(0), 3, LATER)
        digests = []
        for task in batch.tasks:
            ran = await execute_task(
                job,
                task,
                executor,
                worker.store,
                scratch=scratch,
                seconds=20.0,
                keep_until=LATER,
            )
            document = TaskResult.of(ran.record, ran.bundle).encode()
            worker.documents[task.index] = document
            digests.append(ran.record.digest())
        return digests
    finally:
        await executor.close()


async def test_fetch__settled_job__writes_checked_outputs(stage, tmp_path):
    told = []
    files = await stage.client.fetch(
        "try", tmp_path / "out", progress=lambda task, size: told.append(task)
    )

    out = tmp_path / "out"
    assert [(out / f"task-0000{n}" / "stdout").read_bytes() for n in range(3)] == [b"0", b"1", b"2"]
    assert len(files) == 6 and sorted(told) == [0, 1, 2]
    assert await stage.client.logs("try", 1, "stdout") == b"1"
    assert await stage.client.logs("try", 1) == b""


async def test_fetch__again__replaces_what_was_there(stage, tmp_path):
    (tmp_path / "out" / "task-00000").mkdir(parents=True)
    (tmp_path / "out" / "task-00000" / "stale").write_bytes(b"")

    await stage.client.fetch("try", tmp_path / "out", [0])

    assert sorted(path.name for path in (tmp_path / "out" / "task-00000").iterdir()) == [
        "stderr",
        "stdout",
    ]


async def test_verify__honest_result__agrees_traps_included(stage):
    verdicts = [verdict async for verdict in stage.client.verify("try")]

    assert [verdict.agrees for verdict in verdicts] == [True] * 3
    assert [verdict.record.exit_class.name for verdict in verdicts] == ["OK", "OK", "TRAP"]


async def test_verify__settled_by_liars__differs(stage, client, cast, tmp_path):
    file = job_file(tmp_path / "lie", name="lie", tasks={"range": {"to": 1}})
    (tmp_path / "lie" / "p.wasm").write_bytes(bytes(wat2wasm(PROGRAM)))
    view = await client.view((await client.submit(file)).key)
    await cast.conclude(view, 0, [b"\7" * 32])

    verdicts = [verdict async for verdict in client.verify("lie")]

    assert [verdict.agrees for verdict in verdicts] == [False]


async def test_fetch__record_of_another_task__refused(stage, tmp_path):
    stage.worker.documents[0] = stage.worker.documents[1]

    with pytest.raises(VerificationError, match="not the one that settled"):
        await stage.client.logs("try", 0)


async def test_fetch__other_bundle_than_the_records__refused(stage):
    told = TaskResult.model_validate_json(stage.worker.documents[0])
    right = stage.worker.store.read(bytes.fromhex(told.bundle))
    wrong = stage.worker.store.put(right[:-1] + b"x", LATER)
    bent = told.model_copy(update={"bundle": wrong.hex()})
    stage.worker.documents[0] = bent.encode()

    with pytest.raises(VerificationError, match="not those of the record"):
        await stage.client.logs("try", 0)


async def test_fetch__first_worker_gone__the_next_is_asked(stage):
    endpoint = (await stage.client._network.view("Registry", "profile_of", 1))[0]
    await stage.announce(1, "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"operator 1: .*; operator 2: announces no endpoint"):
        await stage.client.logs("try", 0)
    await stage.announce(2, endpoint)

    stage.client._outputs._endpoints.clear()

    assert await stage.client.logs("try", 0, "stdout") == b"0"


async def test_fetch__no_such_output__not_found(stage):
    with pytest.raises(NotFoundError, match="no task 3"):
        await stage.client.logs("try", 3)
    with pytest.raises(NotFoundError, match="put out no out/x"):
        await stage.client.logs("try", 0, "out/x")
