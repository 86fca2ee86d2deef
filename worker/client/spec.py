"""job.yaml: what a requester asks for, checked before anything is read, signed or sent."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from worker.client.tensor_spec import TensorSpec
from worker.client.wasm_spec import WasmSpec
from worker.client.yaml_file import MAX_BYTES, parse_yaml
from worker.errors import SpecError

JobSpec = WasmSpec | TensorSpec
"""A checked job file; its `kind` says which."""

_KINDS: dict[str, type[WasmSpec] | type[TensorSpec]] = {"wasm": WasmSpec, "tensor": TensorSpec}


def load_source(path: Path) -> bytes:
    """Return a job file's bytes. Raises SpecError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(str(path), error.strerror or "cannot be read") from error


def parse_spec(data: bytes) -> JobSpec:
    """Check the bytes of a job file. Raises SpecError."""
    document = parse_yaml(data)
    if not isinstance(document, dict):
        raise SpecError("document", "must be a mapping, such as `name: my-job`")
    kind = str(document.get("kind", "wasm"))
    if kind not in _KINDS:
        raise SpecError("kind", f"no kind {kind!r}; there are {', '.join(_KINDS)}")
    try:
        # Through JSON, so that strict checking takes lists for tuples.
        return _KINDS[kind].model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise first_error(error, f"no such field in a job of kind {kind}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema that editors use; it is shipped as job.schema.json."""
    adapter: TypeAdapter[JobSpec] = TypeAdapter(JobSpec)
    schema = adapter.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "job.yaml",
        **schema,
    }


def first_error(error: ValidationError, unknown: str) -> SpecError:
    """Return the first of what is wrong with a document; `unknown` tells of a field too many."""
    first = error.errors()[0]
    parts = [part for part in first["loc"] if part != "[key]"]
    if more := first.get("ctx", {}).get("path"):
        parts.append(more)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = unknown
    return SpecError(_join(parts) or "document", message)


def _join(parts: list[int | str]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
