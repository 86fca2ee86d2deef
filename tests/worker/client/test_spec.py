"""job.yaml: every mistake names its field, and what is right is read exactly."""

import json
from importlib import resources
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from worker.client.jobfile import JobFile
from worker.client.spec import json_schema, parse_spec
from worker.client.wasm_spec import WasmSpec
from worker.errors import SpecError

BASE = {
    "name": "try",
    "program": "p.wasm",
    "tasks": {"range": {"to": 4}},
    "price": "0.5",
}
EXAMPLES = sorted(Path("examples").glob("*/job.yaml"))


def spec_of(**fields) -> WasmSpec:
    document = {**BASE, **fields}
    return parse_spec(yaml.safe_dump({k: v for k, v in document.items() if v is not ...}).encode())


def test_parse_spec__amounts_sizes_durations__exact():
    spec = parse_spec(
        b"name: n\nprogram: p\ntasks: {range: {to: 1}}\nprice: 0.000000000000000001\nbond: 1.5\n"
        b"limits: {fuel: 5G, memory: 64MiB, output: 0}\nwindows: {claim: 6s, run: 2h, reveal: 90}\n"
    )

    assert (spec.price, spec.bond) == (1, 15 * 10**17)
    assert (spec.limits.fuel, spec.limits.memory, spec.limits.output) == (5 * 10**9, 1 << 26, 0)
    assert (spec.windows.claim, spec.windows.run, spec.windows.reveal) == (6, 7200, 90)


def test_parse_spec__plain_words_and_numbers__stay_text():
    spec = parse_spec(
        b"name: n\nprogram: p\ntasks: {range: {to: 1}}\nprice: 1\n"
        b"args: [7, 0.10, no, 2026-01-01, 010]\n"
    )

    assert spec.args == ("7", "0.10", "no", "2026-01-01", "010")


@pytest.mark.parametrize(
    ("fields", "most"),
    [({}, 5), ({"seats": 5}, 6), ({"seats": 2}, 5), ({"on_dissent": "settle"}, 3)],
)
def test_most_seats__not_given__least_that_the_rules_ask(fields, most):
    assert spec_of(**fields).most_seats == most


MISTAKES = [
    ({"colour": 1}, "colour", "no such field"),
    ({"price": ...}, "price", "Field required"),
    ({"price": "-1"}, "price", "cannot exist|that can exist"),
    ({"price": "0"}, "price", "greater than or equal to 1"),
    ({"price": "1e400"}, "price", "that can exist"),
    ({"price": "0." + "1" * 19}, "price", "more than 18 decimals"),
    ({"price": True}, "price", "in quotes"),
    ({"version": 2}, "version", "should be 1"),
    ({"kind": "docker"}, "kind", "no kind 'docker'; there are wasm, tensor"),
    ({"kind": ["wasm"]}, "kind", "no kind"),
    ({"audit": "10%"}, "audit", "no such field in a job of kind wasm"),
    ({"windows": {"challenge": "1h"}}, "windows.challenge", "no such field"),
    ({"name": "a/b"}, "name", "match pattern"),
    ({"tasks": {}}, "tasks", "exactly one"),
    ({"tasks": {"files": "a", "table": "b"}}, "tasks", "exactly one"),
    ({"tasks": {"range": {"to": 0}}}, "tasks.range.to", "has 0 values"),
    ({"tasks": {"range": {"to": 1 << 21}}}, "tasks.range.to", "1 to 1048576"),
    ({"tasks": {"range": {"from": "x", "to": 1}}}, "tasks.range.from", "valid integer"),
    ({"tasks": {"range": {"to": 3, "step": 0}}}, "tasks.range.step", "greater than"),
    ({"batch": 3}, "batch", "must be 1, 2, 4, 8, 16 or 32"),
    ({"batch": 64}, "batch", "must be 1, 2, 4, 8, 16 or 32"),
    ({"seats": 8}, "seats", "less than or equal to 7"),
    ({"seats": 1}, "operators", "must name its operators"),
    ({"seats": 1, "max_seats": 3}, "max_seats", "max_seats 1"),
    ({"seats": 2, "max_seats": 3}, "max_seats", "at least 5"),
    ({"seats": 3, "max_seats": 3}, "max_seats", "to escalate"),
    ({"seats": 5, "max_seats": 4}, "max_seats", "less than seats"),
    ({"operators": [1, 2]}, "operators", "fewer than the 5 seats"),
    ({"operators": [1, 1, 2, 3, 4]}, "operators", "stands twice"),
    ({"operators": [0]}, r"operators\[0\]", "greater than or equal to 1"),
    ({"bond": "0.1"}, "bond", "less than the price"),
    ({"bond": "0.6000000001"}, "bond", "whole gwei"),
    ({"bond": "18000000000", "batch": 32}, "bond", "too large"),
    ({"limits": {"memory": "64MB"}}, "limits.memory", "is not a size"),
    ({"limits": {"memory": "5GiB"}}, "limits.memory", "less than or equal"),
    ({"limits": {"fuel": "lots"}}, "limits.fuel", "is not a count"),
    ({"windows": {"run": "3d"}}, "windows.run", "less than or equal to 172800"),
    ({"windows": {"claim": "3w"}}, "windows.claim", "is not a duration"),
    ({"expiry": "61d"}, "expiry", "less than or equal"),
    ({"args": ["{nope}"]}, r"args\[0\]", "no placeholder {nope} here"),
    ({"args": ["ok", "{"]}, r"args\[1\]", "stands alone"),
    ({"env": {"A": "{file}"}}, r"env\.A", "no placeholder {file} here"),
    ({"env": {"1A": "x"}}, r"env\.1A", "match pattern"),
    ({"inputs": {"../x": "a"}}, r"inputs\.\.\./x", "no leading dot"),
    ({"inputs": {"/x": "a"}}, r"inputs\./x", "no leading dot"),
    ({"inputs": ["a"]}, "inputs", "should be an object"),
    ({"program": ""}, "program", "at least 1 character"),
    ({"program": ...}, "program", "Field required"),
    ({"args": "one"}, "args", "should be a valid array"),
    ({"on_dissent": "fight"}, "on_dissent", "'settle' or 'escalate'|'escalate' or 'settle'"),
    ({"token": -1}, "token", "greater than or equal to 0"),
    ({"locators": ["a b"]}, r"locators\[0\]", "locator|URL|scheme"),
    ({"limits": {"output": "2GiB"}}, "limits.output", "less than or equal"),
    ({"limits": {"files": -1}}, "limits.files", "greater than or equal to 0"),
    ({"limits": {"log": "1GiB"}}, "limits.log", "less than or equal"),
    ({"windows": {"reveal": "0s"}}, "windows.reveal", "greater than or equal to 1"),
    ({"windows": {"pause": "1h"}}, "windows.pause", "no such field"),
    ({"tasks": {"files": 7}}, "tasks.files", "valid string"),
    ({"tasks": {"table": 7}}, "tasks.table", "valid string"),
]


@pytest.mark.parametrize(("fields", "path", "message"), MISTAKES)
def test_parse_spec__mistake__names_the_field(fields, path, message):
    with pytest.raises(SpecError, match=message) as caught:
        spec_of(**fields)

    assert caught.value.path == path.replace("\\", "")


def test_mistakes__every_field__has_one():
    """A field of the job file whose mistakes nobody tried would be missing here."""
    tried = {path.replace("\\", "").split("[")[0] for _, path, _ in MISTAKES}
    tried |= {path.partition(".")[0] for path in tried}

    assert set(_fields(WasmSpec)) <= tried


def _fields(model, prefix=""):
    """Yield the path of every field that is not a group of others."""
    for name, field in model.model_fields.items():
        path = prefix + (field.alias or name)
        groups = [
            kind
            for kind in (field.annotation, *get_args(field.annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        for group in groups:
            yield from _fields(group, f"{path}.")
        if not groups:
            yield path


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        (b"", "document", "must be a mapping"),
        (b"[1]", "document", "must be a mapping"),
        (b"\xff\xfe\xff", "document", "UTF-8"),
        (b"a: {b", "line 1", "expected"),
        (b"a: 1\na: 2", "line 2, column 1", "stands twice"),
        (b"a: &x [1]\nb: *x", "line 2, column 4", "aliases"),
        (b"? [1]\n: 2", "line 1, column 3", "plain word"),
        (b"a: !!python/object/apply:os.system [id]", "line 1, column 4", "tags"),
        (b"[" * 40 + b"]" * 40, "line 1, column 17", "deeper than 16"),
        (b"#" * ((1 << 20) + 1), "document", "larger than"),
        (b"a: \x00", "document", "not YAML"),
    ],
)
def test_parse_spec__not_a_job_file__names_the_place(data, path, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse_spec(data)

    assert caught.value.path.startswith(path)


def test_load__no_such_file__refused(tmp_path):
    with pytest.raises(SpecError, match="No such file"):
        JobFile.load(tmp_path / "job.yaml")


def test_schema__shipped__is_the_models():
    shipped = json.loads(resources.files("worker.client").joinpath("job.schema.json").read_text())

    assert shipped == json_schema()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_schema__examples__accepted(path):
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())
    assert JobFile.load(path).spec.name == path.parent.name


def test_schema__mistake__refused():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**BASE, "colour": 1}, json_schema())
