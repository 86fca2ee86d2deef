import pytest

from worker.errors import InvalidManifestError
from worker.protocol.tensor_job import (
    TensorManifest,
    TensorResult,
    TensorTask,
    decode_tensor_table,
    encode_tensor_table,
)

ONE, TWO = "11" * 32, "22" * 32
MANIFEST = TensorManifest(program=ONE, root=TWO, task_count=2, table=ONE)
TASKS = [TensorTask(inputs=(ONE,), digest=TWO), TensorTask(inputs=(ONE, TWO), digest=ONE)]


def test_decode__what_was_encoded__is_the_same() -> None:
    assert TensorManifest.decode(MANIFEST.encode()) == MANIFEST
    assert decode_tensor_table(encode_tensor_table(TASKS), 2) == TASKS
    result = TensorResult(blob=ONE, size=64)
    assert TensorResult.decode(result.encode()) == result


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "manifest: document"),
        (MANIFEST.encode().replace(b"tensor", b"wasm"), "manifest: kind"),
        (MANIFEST.encode() + b" ", "not in canonical form"),
        (MANIFEST.encode().replace(b'"task_count":2', b'"task_count":0'), "manifest: task_count"),
    ],
)
def test_decode_manifest__not_one__says_where(data: bytes, message: str) -> None:
    with pytest.raises(InvalidManifestError, match=message):
        TensorManifest.decode(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (encode_tensor_table(TASKS[:1]), "expected 2 rows"),
        (encode_tensor_table(TASKS)[:-1], "expected 2 rows"),
        (TASKS[0].encode() + b"\n" + b'{"digest":"' + ONE.encode() + b'","inputs":[]}\n', "row 1"),
        (TASKS[0].encode() + b"\n" + TASKS[1].encode() + b" \n", "row 1: not in canonical form"),
    ],
)
def test_decode_table__not_one__names_the_row(data: bytes, message: str) -> None:
    with pytest.raises(InvalidManifestError, match=message):
        decode_tensor_table(data, 2)
