"""job.yaml of tensor programs: every mistake names its field."""

import jsonschema
import pytest
import yaml

from worker.client.spec import json_schema, parse_spec
from worker.client.tensor_spec import TensorSpec
from worker.errors import SpecError

BASE = {
    "name": "try",
    "kind": "tensor",
    "program": "p.ptp",
    "inputs": ["{value}.npy"],
    "tasks": {"range": {"to": 4}},
    "price": "0.5",
}


def spec_of(**fields) -> TensorSpec:
    document = {**BASE, **fields}
    return parse_spec(yaml.safe_dump({k: v for k, v in document.items() if v is not ...}).encode())


@pytest.mark.parametrize(
    ("written", "bps"), [("10%", 1_000), (10, 1_000), ("2.5 %", 250), ("0.01", 1), ("100%", 10_000)]
)
def test_parse_spec__audit_share__is_exact(written, bps):
    assert spec_of(audit=written).audit == bps


def test_parse_spec__nothing_but_the_needed__has_the_defaults():
    spec = spec_of()

    assert (spec.kind, spec.audit, spec.bond, spec.operators) == ("tensor", 1_000, None, ())
    assert spec.windows.challenge == 6 * 3_600


def test_parse_spec__one_named_operator__is_enough():
    assert spec_of(operators=[7]).operators == (7,)


OTHER_KIND = "no such field in a job of kind tensor"
MISTAKES = [
    ({"seats": 3}, "seats", OTHER_KIND),
    ({"max_seats": 5}, "max_seats", OTHER_KIND),
    ({"on_dissent": "settle"}, "on_dissent", OTHER_KIND),
    ({"args": ["x"]}, "args", OTHER_KIND),
    ({"env": {"A": "x"}}, "env", OTHER_KIND),
    ({"limits": {"fuel": "5G"}}, "limits", OTHER_KIND),
    ({"audit": "0%"}, "audit", "greater than or equal to 1"),
    ({"audit": "101%"}, "audit", "less than or equal to 10000"),
    ({"audit": "1.234"}, "audit", "not a share in percent"),
    ({"audit": True}, "audit", "not a share in percent"),
    ({"audit": "half"}, "audit", "not a share in percent"),
    ({"bond": "0"}, "bond", "more than 0"),
    ({"bond": "0.0000000001"}, "bond", "whole gwei"),
    ({"bond": "18000000000", "batch": 32}, "bond", "too large"),
    ({"price": ...}, "price", "Field required"),
    ({"price": "0"}, "price", "greater than or equal to 1"),
    ({"program": ""}, "program", "at least 1 character"),
    ({"inputs": ...}, "inputs", "a path for each of the program's inputs"),
    ({"inputs": {"x": "a"}}, "inputs", "valid array"),
    ({"inputs": ["{file}"]}, "inputs[0]", "no placeholder {file} here"),
    ({"inputs": ["a"] * 17}, "inputs", "at most 16"),
    ({"tasks": {"files": "*"}, "inputs": ["x"]}, "inputs", "each file is its task's one input"),
    ({"windows": {"challenge": "3d"}}, "windows.challenge", "less than or equal to 172800"),
    ({"windows": {"run": "2d"}}, "windows.run", "less than or equal to 86400"),
    ({"windows": {"claim": "0s"}}, "windows.claim", "greater than or equal to 1"),
    ({"windows": {"reveal": "x"}}, "windows.reveal", "is not a duration"),
    ({"expiry": "61d"}, "expiry", "less than or equal"),
    ({"batch": 3}, "batch", "must be 1, 2, 4, 8, 16 or 32"),
]


@pytest.mark.parametrize(("fields", "path", "message"), MISTAKES)
def test_parse_spec__mistake__names_the_field(fields, path, message):
    with pytest.raises(SpecError) as caught:
        spec_of(**fields)

    assert caught.value.path == path
    assert message in str(caught.value)


def test_schema__tensor_job__accepted_and_a_wasm_field_refused():
    jsonschema.validate(BASE, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**BASE, "seats": 3}, json_schema())
