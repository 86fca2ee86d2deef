"""The job of a tensor program: its own inputs only, the same bytes everywhere."""

import json

import numpy as np
import pytest

from worker.client.build import sha256
from worker.client.spec import parse_spec
from worker.client.tensor_build import build_tensor
from worker.errors import SpecError
from worker.protocol.tensor_job import TensorManifest, decode_tensor_table
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.commit import Tree
from worker.tensor.tensors import DType, to_bytes
from worker.tensor.trace import task_input

X = np.arange(12, dtype=np.int8).reshape(4, 3) - 5
Y = np.full((4, 3), -300, np.int16)


def program(*inputs: DType) -> bytes:
    build = Builder()
    values = [build.input(dtype, 4, 3) for dtype in inputs]
    build.output(build.add(values[0], values[-1], Fin(DType.I32)))
    return build.build(Keep.ALL).encode()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "two.ptp").write_bytes(program(DType.I8, DType.I16))
    (tmp_path / "x").mkdir()
    for task in range(2):
        np.save(tmp_path / "x" / f"{task}.npy", X + task)
    np.save(tmp_path / "y.npy", Y)
    (tmp_path / "y.bin").write_bytes(to_bytes(Y).tobytes())
    (tmp_path / "t.csv").write_text("mine,other\nx/0.npy,y.npy\nx/1.npy,y.bin\n")
    return tmp_path


def built(folder, **fields):
    document = {
        "name": "try",
        "kind": "tensor",
        "program": "two.ptp",
        "inputs": ["x/{index}.npy", "y.npy"],
        "tasks": {"range": {"to": 2}},
        "price": "1",
        **fields,
    }
    kept = {name: value for name, value in document.items() if value is not ...}
    return build_tensor(parse_spec(json.dumps(kept).encode()), folder)


def test_build__tasks__are_what_a_court_opens(folder):
    job = built(folder)

    rows = decode_tensor_table(job.table, 2)
    assert [bytes.fromhex(row.digest) for row in rows] == [task_input([X + n, Y]) for n in (0, 1)]
    assert job.inputs_root == Tree([bytes.fromhex(row.digest) for row in rows]).root
    manifest = TensorManifest.decode(job.manifest.encode())
    assert (manifest.task_count, manifest.root) == (2, job.program.hex())
    assert bytes.fromhex(manifest.program) == sha256((folder / "two.ptp").read_bytes())
    assert bytes.fromhex(manifest.table) == sha256(job.table)


def test_build__blobs__are_the_tensors_bytes_each_once(folder):
    job = built(folder)

    read = {digest: blob.open().read() for digest, blob in job.blobs.items()}
    assert all(sha256(data) == digest for digest, data in read.items())
    assert to_bytes(Y).tobytes() in read.values()
    assert len(read) == 4  # the program, x twice, y once
    assert {bytes.fromhex(one) for row in job.rows for one in row.inputs} < set(read)


def test_build__table_of_npy_and_raw_bytes__same_tensors(folder):
    job = built(folder, tasks={"table": "t.csv"}, inputs=["{mine}", "{other}"])

    assert job.table == built(folder).table


def test_build__files__are_the_one_input_of_each_task(folder):
    (folder / "one.ptp").write_bytes(program(DType.I8))

    job = built(folder, program="one.ptp", inputs=..., tasks={"files": "x/*.npy"})

    assert [bytes.fromhex(row.digest) for row in job.rows] == [task_input([X]), task_input([X + 1])]


@pytest.mark.parametrize(
    "array",
    [
        X.astype(np.int64),
        X.astype(">i2"),
        np.asfortranarray(X),
        X.reshape(2, 2, 3),
        X.reshape(4, 3, 1),
        X.reshape(1, 4, 3),
    ],
    ids=["wider", "big-endian", "fortran", "rows split", "columns split", "leading one"],
)
def test_build__another_form_of_the_same_integers__same_task(folder, array):
    np.save(folder / "x" / "0.npy", array)

    assert bytes.fromhex(built(folder).rows[0].digest) == task_input([X, Y])


def _save(folder, array):
    np.save(folder / "x" / "1.npy", array, allow_pickle=True)


WRONG = [
    (X.astype(np.float32), "holds float32, a tensor program takes integers"),
    (np.full((4, 3), np.nan), "holds float64, a tensor program takes integers"),
    (X > 0, "holds bool, a tensor program takes integers"),
    (X.astype(object), "is no .npy array"),
    (X.reshape(3, 4), "has shape 3 x 4, the program takes i8 4x3"),
    (X.ravel(), "has shape 12, the program takes i8 4x3"),
    (X[:2], "has shape 2 x 3, the program takes i8 4x3"),
    (np.int8(1), "has shape of a single number, the program takes i8 4x3"),
    (X.astype(np.int16) + 200, "goes from -128 to 127"),
    (np.full((4, 3), 1 << 63, np.uint64), "holds 9223372036854775808, i8 goes"),
    (np.zeros((0, 3), np.int8), "has shape 0 x 3"),
    (np.zeros(1 << 17, np.int8), "is larger than any array of i8 4x3"),
]


@pytest.mark.parametrize(("array", "message"), WRONG)
def test_build__wrong_array__names_task_file_and_input(folder, array, message):
    _save(folder, array)

    with pytest.raises(SpecError) as caught:
        built(folder)

    assert caught.value.path == "inputs[0]"
    assert 'task 1: "x/1.npy"' in str(caught.value)
    assert message in str(caught.value)


def test_build__header_that_claims_more__refused_unallocated(folder):
    path = folder / "x" / "1.npy"
    shape = b"(4, 3), }" + b" " * 10
    assert shape in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(shape, b"(4, 30000000000), }"))

    with pytest.raises(SpecError, match=r"is no \.npy array"):
        built(folder)


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"program": "none.ptp"}, "program", "no file"),
        ({"program": "y.bin"}, "program", "not a tensor program"),
        ({"program": "cut.ptp"}, "program", "its types imply"),
        ({"program": "wild.ptp"}, "program", "operator 0 (ADD)"),
        ({"inputs": ["y.npy"]}, "inputs", "1 paths, the program takes 2 inputs"),
        ({"inputs": ..., "tasks": {"files": "x/*"}}, "tasks.files", "the program takes 2 inputs"),
        ({"inputs": ["x/{index}.npy", "t.csv"]}, "inputs[1]", "must be a .npy or a .bin file"),
        ({"inputs": ["x/{index}.npy", "cut.bin"]}, "inputs[1]", "has 1 bytes, i16 4x3 has 24"),
        ({"inputs": ["x/{index}.npy", "../y.npy"]}, "inputs[1]", "leaves the folder"),
        ({"inputs": ["x/7.npy", "y.npy"]}, "inputs[0]", "no file"),
        ({"inputs": ["{mine}", "{yours}"], "tasks": {"table": "t.csv"}}, "inputs[1]", "{yours}"),
    ],
)
def test_build__mistake__names_the_field(folder, fields, path, message):
    whole = (folder / "two.ptp").read_bytes()
    (folder / "cut.ptp").write_bytes(whole + b"\0")
    (folder / "cut.bin").write_bytes(b"\0")
    wild = bytearray(whole)
    wild[4 + 16 + 18 + 4] = 63  # the first operator's shift
    (folder / "wild.ptp").write_bytes(wild)

    with pytest.raises(SpecError) as caught:
        built(folder, **fields)

    assert caught.value.path == path
    assert message in str(caught.value)
