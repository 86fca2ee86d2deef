"""What is built from a job file: the same bytes everywhere, and only what the job names."""

import json

import pytest

from worker.client.spec import parse_spec
from worker.client.wasm_build import build_wasm
from worker.errors import SpecError
from worker.protocol.manifest import Manifest, decode_table, encode_task
from worker.protocol.merkle import root_of_rows


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p.wasm").write_bytes(b"\0asm\1\0\0\0")
    (tmp_path / "data").mkdir()
    for name in ("b.bin", "a.bin"):
        (tmp_path / "data" / name).write_bytes(name.encode())
    (tmp_path / "t.csv").write_text('seq,part\n"H,P",a\nPP,b\n')
    return tmp_path


def built(folder, tasks, **fields):
    document = {"name": "try", "program": "p.wasm", "price": "1", "tasks": tasks, **fields}
    return build_wasm(parse_spec(json.dumps(document).encode()), folder)


def test_build__twice__same_bytes(folder):
    first, second = (built(folder, {"files": "data/*.bin"}, args=["{file}"]) for _ in range(2))

    assert first.manifest.encode() == second.manifest.encode()
    assert (first.table, first.inputs_root) == (second.table, second.inputs_root)


def test_build__range__values_and_indexes_filled_in(folder):
    job = built(folder, {"range": {"from": 10, "to": 15, "step": 2}}, args=["{index}:{value}{{}}"])

    assert [row.args for row in job.rows] == [("0:10{}",), ("1:12{}",), ("2:14{}",)]
    assert Manifest.decode(job.manifest.encode()).task_count == 3
    assert decode_table(job.table, 3) == list(job.rows)
    assert job.inputs_root == root_of_rows(encode_task(row) for row in job.rows)


def test_build__files__one_task_each_in_order_of_path(folder):
    job = built(folder, {"files": "data/*.bin"}, env={"F": "{file}"})

    assert [row.env["F"] for row in job.rows] == ["/in/a.bin", "/in/b.bin"]
    assert [list(row.files) for row in job.rows] == [["a.bin"], ["b.bin"]]
    assert {bytes.fromhex(d) for row in job.rows for d in row.files.values()} < set(job.blobs)


def test_build__table__columns_select_inputs(folder):
    job = built(
        folder,
        {"table": "t.csv"},
        args=["{seq}"],
        inputs={"mine": "data/{part}.bin", "all": "data/a.bin"},
    )

    assert [row.args for row in job.rows] == [("H,P",), ("PP",)]
    assert list(job.manifest.files) == ["all"]
    assert job.rows[0].files["mine"] == job.manifest.files["all"] != job.rows[1].files["mine"]


def test_build__json_table__numbers_keep_their_digits(folder):
    (folder / "t.json").write_text('[{"x": 0.10, "y": true}]')

    assert built(folder, {"table": "t.json"}, args=["{x}", "{y}"]).rows[0].args == ("0.10", "true")


def test_build__only__keeps_those_tasks(folder):
    document = {"name": "n", "program": "p.wasm", "price": "1", "args": ["{value}"]}
    spec = parse_spec(json.dumps({**document, "tasks": {"range": {"to": 9}}}).encode())

    assert [row.args for row in build_wasm(spec, folder, only=[7, 2]).rows] == [("2",), ("7",)]


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"program": "none.wasm"}, "program", "no file"),
        ({"program": "t.csv"}, "program", "not a WebAssembly 1 module"),
        ({"program": "../p.wasm"}, "program", "leaves the folder"),
        ({"inputs": {"x": "/etc/passwd"}}, "inputs.x", "leaves the folder"),
        ({"inputs": {"x": "link"}}, "inputs.x", "leaves the folder"),
        ({"inputs": {"x": "data/{index}.bin"}}, "inputs.x", "no file"),
        ({"inputs": {"a.bin": "t.csv"}, "tasks": {"files": "data/*"}}, "inputs.a.bin", "same"),
        ({"tasks": {"files": "none/*"}}, "tasks.files", "matches 0 files"),
        ({"tasks": {"files": "../*"}}, "tasks.files", "must stay"),
        ({"tasks": {"files": "**/[!.]*.bin"}}, "tasks.files", "two files are named"),
        ({"tasks": {"table": "p.wasm"}}, "tasks.table", ".csv or a .json"),
        ({"tasks": {"table": "ragged.csv"}}, "tasks.table", "line 2: 1 cells under 2"),
        ({"tasks": {"table": "empty.csv"}}, "tasks.table", "no columns"),
        ({"tasks": {"table": "bad.json"}}, "tasks.table", "list of objects"),
        ({"tasks": {"table": "deep.json"}}, "tasks.table", "row 0"),
        ({"tasks": {"table": "t.csv"}, "args": ["{sqe}"]}, "args[0]", "no placeholder {sqe}"),
        ({"args": ["{value}" + "x" * 4096]}, "args[0]", "at most 4096"),
    ],
)
def test_build__mistake__names_the_field(folder, fields, path, message):
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.bin").write_bytes(b"")
    (folder / "ragged.csv").write_text("a,b\n1\n")
    (folder / "empty.csv").write_text("")
    (folder / "bad.json").write_text("{}")
    (folder / "deep.json").write_text('[{"a": []}]')
    fields = {"tasks": {"range": {"to": 1}}, **fields}

    with pytest.raises(SpecError) as caught:
        built(folder, **fields)

    assert caught.value.path == path
    assert message in str(caught.value)
