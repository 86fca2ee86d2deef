"""Preparing a tensor job: every mistake of the payer is found before anything is claimed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.worker.work.conftest import sha256
from worker.errors import FetchError, InvalidBlobError, InvalidManifestError, InvalidProgramError
from worker.executors.tensor import TensorExecutor
from worker.protocol.tensor_job import TensorManifest, TensorTask, encode_tensor_table
from worker.storage.blobs import BlobStore
from worker.storage.fetch import FetchConfig, Fetcher
from worker.storage.http import GuardedHttp
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.commit import Tree
from worker.tensor.program import Program
from worker.tensor.tensors import to_bytes
from worker.tensor.trace import task_input
from worker.tensor.validate import TensorLimits
from worker.types import Digest, TaskIndex, Timestamp
from worker.work.prepare import Effort, JobSource, WorkLimits
from worker.work.prepare_tensor import TensorPreparer

LATER = Timestamp(4_000_000_000)
FILE = (Path(__file__).parents[3] / "examples" / "digits" / "mlp.ptp").read_bytes()
PROGRAM = Program.decode(FILE)
IMAGES = [np.full((16, 64), shade, np.int8) for shade in range(3)]


class TensorPayer:
    """Puts blobs where workers look for them, and says what the chain would say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def leave(self, data: bytes) -> str:
        """Publish a blob; return its digest in hex."""
        name = sha256(data).hex()
        (self.folder / name).write_bytes(data)
        return name

    def rows(self) -> list[TensorTask]:
        """Publish the images; return the table's rows."""
        return [
            TensorTask(
                inputs=(self.leave(to_bytes(image).tobytes()),), digest=task_input([image]).hex()
            )
            for image in IMAGES
        ]

    def post(self, rows: list[TensorTask], code: bytes = FILE, **changes) -> JobSource:
        """Publish a job; `changes` go into its manifest."""
        manifest = TensorManifest(
            program=self.leave(code),
            root=PROGRAM.root.hex(),
            task_count=len(rows),
            table=self.leave(encode_tensor_table(rows)),
        ).model_copy(update=changes)
        self.leave(manifest.encode())
        return JobSource(
            manifest=Digest(manifest.digest()),
            program=Digest(PROGRAM.root),
            inputs_root=Tree([bytes.fromhex(row.digest) for row in rows]).root,
            task_count=len(rows),
            locators=(f"file://{self.folder}/{{digest}}",),
        )


@pytest.fixture
def payer(tmp_path: Path) -> TensorPayer:
    (tmp_path / "tensors").mkdir()
    return TensorPayer(tmp_path / "tensors")


@pytest.fixture
async def preparer(store: BlobStore) -> AsyncIterator[TensorPreparer]:
    executor = TensorExecutor(NumpyBackend(), TensorLimits(constant_bytes=10_000))
    async with GuardedHttp(allow_private=True) as http:
        fetcher = Fetcher(store, http, FetchConfig())
        yield TensorPreparer(fetcher, executor, WorkLimits(input_bytes=2_000))
    await executor.close()


async def test_prepare__sound__is_here_and_can_run(preparer, payer, store):
    source = payer.post(payer.rows())

    job = await preparer.prepare_job(source, LATER)
    batch = await preparer.prepare_batch(job, TaskIndex(2), 4, LATER)

    assert job.effort == Effort(steps=PROGRAM_STEPS)
    assert list(batch.tasks) == [2]
    run = batch.tasks[TaskIndex(2)]
    assert run.root == PROGRAM.root
    assert run.inputs[0].read_bytes() == to_bytes(IMAGES[2]).tobytes()
    assert {info.keep_until for info in store.blobs()} == {LATER}


PROGRAM_STEPS = 16 * 64 * 48 + 16 * 48 * 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": "ab" * 32}, "another program than the posting"),
        ({"task_count": 7}, "7 tasks, the posting says 3"),
    ],
)
async def test_prepare_job__manifest_does_not_fit__is_final(preparer, payer, changes, words):
    with pytest.raises(InvalidManifestError, match=words):
        await preparer.prepare_job(payer.post(payer.rows(), **changes), LATER)


async def test_prepare_job__a_file_with_another_root__is_final(preparer, payer):
    code = bytearray(FILE)
    code[-20] ^= 1  # a weight of the last row
    with pytest.raises(InvalidManifestError, match="its program's file has another root"):
        await preparer.prepare_job(payer.post(payer.rows(), code=bytes(code)), LATER)


@pytest.mark.parametrize("code", [b"", b"PTPF", FILE[:-1], FILE + b"\0"])
async def test_prepare_job__no_program__is_final(preparer, payer, code):
    with pytest.raises(InvalidProgramError):
        await preparer.prepare_job(payer.post(payer.rows(), code=code), LATER)


async def test_prepare_job__file_beyond_the_limit__is_not_fetched(preparer, payer, store):
    source = payer.post(payer.rows(), code=FILE + bytes(2 << 20))
    with pytest.raises(FetchError, match="larger than"):
        await preparer.prepare_job(source, LATER)
    assert store.used < 1 << 20


async def test_prepare_job__table_of_another_tree__is_final(preparer, payer):
    source = replace(payer.post(payer.rows()), inputs_root=bytes(32))
    with pytest.raises(InvalidManifestError, match="its root is not the posting's inputs root"):
        await preparer.prepare_job(source, LATER)


async def test_prepare_job__row_is_garbage__names_it(preparer, payer):
    rows = encode_tensor_table(payer.rows()).splitlines(keepends=True)
    rows[1] = b"{}\n"
    source = payer.post(payer.rows(), table=payer.leave(b"".join(rows)))
    with pytest.raises(InvalidManifestError, match="task table row 1"):
        await preparer.prepare_job(source, LATER)


@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        ([bytes(1024)], InvalidManifestError, "task 1: its inputs are not those of its digest"),
        ([bytes(1023)], InvalidBlobError, "task 1: input 0: i8 16x64 has 1024 bytes, not 1023"),
        ([b"a" * 10, b"b"], InvalidBlobError, "task 1: inputs: 2, the program takes 1"),
        ([b"a" * 1100, b"b" * 1100], InvalidManifestError, "above this worker's 2000 bytes"),
    ],
)
async def test_prepare_batch__inputs_that_are_not_the_programs__is_final(
    preparer, payer, inputs, error, words
):
    rows = payer.rows()
    rows[1] = rows[1].model_copy(update={"inputs": tuple(map(payer.leave, inputs))})
    job = await preparer.prepare_job(payer.post(rows), LATER)

    assert await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)
    with pytest.raises(error, match=words):
        await preparer.prepare_batch(job, TaskIndex(1), 1, LATER)


async def test_prepare_batch__input_withheld__may_be_retried(preparer, payer):
    rows = payer.rows()
    job = await preparer.prepare_job(payer.post(rows), LATER)
    (payer.folder / rows[0].inputs[0]).unlink()
    with pytest.raises(FetchError, match="No such file"):
        await preparer.prepare_batch(job, TaskIndex(0), 1, LATER)
