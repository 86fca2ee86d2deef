"""Documents that a job is made of, and what workers tell requesters and each other about it."""

import hashlib
import io
from contextlib import suppress

from pydantic import ValidationError

from tests.fuzz.target import Form, Target
from worker.errors import InvalidBlobError, InvalidManifestError, VerificationError
from worker.protocol.bundle import Bundle, pack
from worker.protocol.manifest import Limits, Manifest, Task, decode_table, encode_table
from worker.protocol.openings import MAX_VALUES, Opening
from worker.protocol.record import ExitClass, Record, blind
from worker.protocol.results import TaskResult
from worker.protocol.tensor_job import (
    TensorManifest,
    TensorResult,
    TensorTask,
    decode_tensor_table,
    encode_tensor_table,
)
from worker.types import OperatorId

_DIGEST = hashlib.sha256(b"digest").hexdigest()
_RECORD = Record(ExitClass.EXIT, 3, 10**9, bytes(range(32)), 77, bytes(32))


def _manifest(data: bytes) -> bool:
    assert Manifest.decode(data).encode() == data
    return True


def _manifests() -> list[bytes]:
    limits = Limits(fuel=10**9, memory_bytes=1 << 24, output_bytes=1 << 20)
    fields = {"kind": "wasm", "engine": "wasmtime-1", "program": _DIGEST, "table": _DIGEST}
    plain = Manifest(**fields, limits=limits, task_count=4)  # type: ignore[arg-type]
    files = {"scene.txt": _DIGEST, "data/a-1.bin": _DIGEST}
    return [plain.encode(), plain.model_copy(update={"files": files}).encode()]


def _table(data: bytes) -> bool:
    assert encode_table(decode_table(data, data.count(b"\n"))) == data
    return True


def _tables() -> list[bytes]:
    task = Task(args=("1", "é"), env={"SEED": "7"}, files={"in.bin": _DIGEST})
    return [encode_table([Task(), task, task])]


def _tensor_manifest(data: bytes) -> bool:
    assert TensorManifest.decode(data).encode() == data
    return True


def _tensor_manifests() -> list[bytes]:
    fields = {"program": _DIGEST, "root": _DIGEST, "table": _DIGEST}
    return [TensorManifest(task_count=9, **fields).encode()]  # type: ignore[arg-type]


def _tensor_table(data: bytes) -> bool:
    assert encode_tensor_table(decode_tensor_table(data, data.count(b"\n"))) == data
    return True


def _tensor_tables() -> list[bytes]:
    tasks = [TensorTask(inputs=(_DIGEST,) * count, digest=_DIGEST) for count in (1, 2, 16)]
    return [encode_tensor_table(tasks)]


def _tensor_result(data: bytes) -> bool:
    assert TensorResult.decode(data).encode() == data
    return True


def _bundle(data: bytes) -> bool:
    bundle = Bundle(io.BytesIO(data))
    contents = {entry.name: bundle.read(entry.name) for entry in bundle.entries}
    again = io.BytesIO()
    pack(contents, again)
    assert again.getvalue() == data
    return True


def _bundles() -> list[bytes]:
    made = []
    for more in ({}, {"out/a.bin": b"\0" * 40, "out/b/c": b"x"}):
        file = io.BytesIO()
        pack({"stdout": b"hello\n", "stderr": b"", **more}, file)
        made.append(file.getvalue())
    return made


def _opening(data: bytes) -> bool:
    opening = Opening.decode(data)
    assert Opening.decode(opening.encode()) == opening
    assert 1 <= len(opening.values) <= MAX_VALUES
    assert {len(word) for word in (*opening.values, opening.salt)} == {32}
    return True


def _openings() -> list[bytes]:
    return [Opening(OperatorId(5), 1, (bytes(32), b"v" * 32), b"s" * 32).encode()]


def _record(data: bytes) -> bool:
    assert Record.decode(data).encode() == data
    return True


def _result(data: bytes) -> bool:
    """Read under another value first: nothing but a refusal may come of it."""
    with suppress(VerificationError):
        TaskResult.decode(data, bytes(32))
        raise AssertionError("taken under a value that it is not behind")
    value = blind(TaskResult.model_validate_json(data).record.digest())
    result = TaskResult.decode(data, value)
    assert TaskResult.decode(result.encode(), value) == result
    return True


def _results() -> list[bytes]:
    return [TaskResult.of(_RECORD, bytes.fromhex(_DIGEST)).encode()]


_MANIFEST_ERRORS = (InvalidManifestError,)

TARGETS = (
    Target("manifest", _manifest, _manifests, _MANIFEST_ERRORS, Form.JSON),
    Target("task_table", _table, _tables, _MANIFEST_ERRORS, Form.LINES),
    Target("tensor_manifest", _tensor_manifest, _tensor_manifests, _MANIFEST_ERRORS, Form.JSON),
    Target("tensor_table", _tensor_table, _tensor_tables, _MANIFEST_ERRORS, Form.LINES),
    Target(
        "tensor_result",
        _tensor_result,
        lambda: [TensorResult(blob=_DIGEST, size=96).encode()],
        _MANIFEST_ERRORS,
        Form.JSON,
    ),
    Target("bundle", _bundle, _bundles, (InvalidBlobError,)),
    Target("opening", _opening, _openings, (InvalidBlobError,), Form.JSON),
    Target("record", _record, lambda: [_RECORD.encode()], (VerificationError,)),
    Target("task_result", _result, _results, (VerificationError, ValidationError), Form.JSON),
)
