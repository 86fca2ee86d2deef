"""Preparing a job: every mistake of the payer is found before anything is claimed."""

from dataclasses import replace

import pytest

from worker.errors import (
    FetchError,
    InvalidBlobError,
    InvalidManifestError,
    InvalidProgramError,
)
from worker.protocol.manifest import Limits, Task
from worker.protocol.merkle import root_of_rows
from worker.types import Digest, TaskIndex, Timestamp

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = Timestamp(4_000_000_000)
TASKS = [Task(args=(str(n),)) for n in range(6)]


async def test_prepare_job__sound__is_here_and_kept(preparer, payer, store):
    source = payer.post(TASKS)

    job = await preparer.prepare_job(source, LATER)

    assert job.manifest.digest() == source.manifest
    assert job.program == store.path(source.program)
    assert len(job.rows) == 6
    assert {info.keep_until for info in store.blobs()} == {LATER}
    assert len(list(store.blobs())) == 3


async def test_prepare_batch__files__are_merged_and_fetched_for_its_rows_only(preparer, payer):
    shared, own, other = (payer.leave(data) for data in (b"shared", b"own", b"other"))
    tasks = [Task(files={"own": own}), Task(), Task(files={"other": other})]
    job = await preparer.prepare_job(payer.post(tasks, files={"a/shared": shared}), LATER)
    payer.withhold(other)

    batch = await preparer.prepare_batch(job, TaskIndex(0), 2, LATER)

    assert [task.index for task in batch.tasks] == [0, 1]
    assert [sorted(task.files) for task in batch.tasks] == [["a/shared", "own"], ["a/shared"]]
    assert batch.tasks[0].files["own"].read_bytes() == b"own"
    with pytest.raises(FetchError, match=other):
        await preparer.prepare_batch(job, TaskIndex(2), 1, LATER)


async def test_prepare_batch__last_one__is_cut_at_the_jobs_end(preparer, payer):
    job = await preparer.prepare_job(payer.post(TASKS), LATER)

    batch = await preparer.prepare_batch(job, TaskIndex(4), 4, LATER)

    assert [task.task.args for task in batch.tasks] == [("4",), ("5",)]


async def test_prepare_job__blob_withheld__may_be_retried(preparer, payer):
    source = payer.post(TASKS)
    payer.withhold(source.program.hex())

    with pytest.raises(FetchError, match="No such file"):
        await preparer.prepare_job(source, LATER)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"program": "ab" * 32}, "another program"),
        ({"task_count": 7}, "7 tasks, the posting says 6"),
        ({"engine": "wasmtime-0"}, "wasmtime-0"),
        ({"limits": Limits(fuel=2_000_001, memory_bytes=1 << 20, output_bytes=1)}, "limits.fuel"),
        ({"limits": Limits(fuel=1, memory_bytes=3 << 30, output_bytes=1)}, "limits.memory_bytes"),
        ({"limits": Limits(fuel=1, memory_bytes=1 << 20, output_bytes=1 << 30)}, "output_bytes"),
        (
            {"limits": Limits(fuel=1, memory_bytes=1 << 20, output_bytes=1, log_bytes=1 << 24)},
            "limits.log_bytes",
        ),
    ],
)
async def test_prepare_job__manifest_does_not_fit__is_final(preparer, payer, changes, words):
    with pytest.raises(InvalidManifestError, match=words):
        await preparer.prepare_job(payer.post(TASKS, **changes), LATER)


async def test_prepare_job__manifest_is_no_manifest__is_final(preparer, payer):
    source = replace(payer.post(TASKS), manifest=Digest(bytes.fromhex(payer.leave(b"{}"))))

    with pytest.raises(InvalidManifestError, match="manifest: "):
        await preparer.prepare_job(source, LATER)


async def test_prepare_job__table_of_another_root__is_final(preparer, payer):
    source = replace(payer.post(TASKS), inputs_root=bytes(32))

    with pytest.raises(InvalidManifestError, match="inputs root"):
        await preparer.prepare_job(source, LATER)


@pytest.mark.parametrize("table", [b"{}\n{}\n", b"", b"{}\n" * 5 + b"{}"])
async def test_prepare_job__table_of_other_length__is_final(preparer, payer, table):
    source = payer.post(TASKS, table=payer.leave(table))

    with pytest.raises(InvalidManifestError, match="expected 6 rows"):
        await preparer.prepare_job(source, LATER)


async def test_prepare_job__program_is_garbage__is_final(preparer, payer):
    with pytest.raises(InvalidProgramError):
        await preparer.prepare_job(payer.post(TASKS, code=b"not wasm"), LATER)


async def test_prepare_batch__row_is_garbage__is_final_for_its_batch_only(preparer, payer):
    rows = b'{"args":[],"env":{},"files":{}}\n{"args": []}\n'
    source = payer.post([Task(), Task()], table=payer.leave(rows))
    source = replace(source, inputs_root=root_of_rows(rows.split(b"\n")[:2]))
    job = await preparer.prepare_job(source, LATER)

    assert len((await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)).tasks) == 1
    with pytest.raises(InvalidManifestError, match="row 1"):
        await preparer.prepare_batch(job, TaskIndex(1), 1, LATER)


@pytest.mark.parametrize(
    ("own", "words"), [("data", "a file data already"), ("data/x", "both a file and a folder")]
)
async def test_prepare_batch__paths_clash__is_final(preparer, payer, own, words):
    blob = payer.leave(b"x")
    job = await preparer.prepare_job(
        payer.post([Task(files={own: blob})], files={"data": blob}), LATER
    )

    with pytest.raises(InvalidManifestError, match=words):
        await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)


async def test_prepare_batch__inputs_too_large__is_final(preparer, payer):
    one = {"a": payer.leave(bytes(10_001))}
    two = {"a": payer.leave(b"a" * 6_000), "b": payer.leave(b"b" * 6_000)}
    job = await preparer.prepare_job(payer.post([Task(files=one), Task(files=two)]), LATER)

    with pytest.raises(InvalidManifestError, match="above this worker's 10000 bytes"):
        await preparer.prepare_batch(job, TaskIndex(1), 1, LATER)
    with pytest.raises((InvalidBlobError, FetchError), match="larger than 10000"):
        await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)
