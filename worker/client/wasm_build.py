"""Builds the job of a WebAssembly module."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from worker.client import tasks, templates
from worker.client.build import Build, Files, check_columns, sha256
from worker.client.wasm_spec import WasmSpec
from worker.errors import InvalidProgramError, SpecError
from worker.executors.engine import MAX_MODULE_BYTES, check_sections, engine_id
from worker.protocol.manifest import Limits, Manifest, Task, encode_table, encode_task
from worker.protocol.merkle import root_of_rows


def build_wasm(spec: WasmSpec, folder: Path, only: Iterable[int] | None = None) -> Build:
    """Read the files under `folder` and build the job; `only` keeps the tasks of these numbers.

    Raises SpecError.
    """
    files = Files(folder)
    program = files.digest("program", spec.program, MAX_MODULE_BYTES)
    _check_program(files.blobs[program].path)
    common, own = _split_inputs(spec)
    shared = {guest: files.digest(f"inputs.{guest}", path).hex() for guest, path in common.items()}
    rows = tasks.expand(spec.tasks, folder)
    check_columns(spec, set(rows[0].values))
    keep = range(len(rows)) if only is None else sorted(set(only))
    table_rows = tuple(_task(spec, rows[index], own, set(shared), files) for index in keep)
    table = encode_table(list(table_rows))
    manifest = Manifest(
        kind="wasm",
        engine=engine_id(),
        program=program.hex(),
        limits=Limits(
            fuel=spec.limits.fuel,
            memory_bytes=spec.limits.memory,
            output_bytes=spec.limits.output,
            output_files=spec.limits.files,
            log_bytes=spec.limits.log,
        ),
        files=shared,
        task_count=len(table_rows),
        table=sha256(table).hex(),
    )
    root = root_of_rows(encode_task(row) for row in table_rows)
    return Build(spec, program, manifest, table_rows, table, root, files.blobs)


def _split_inputs(spec: WasmSpec) -> tuple[dict[str, str], dict[str, str]]:
    """Return the inputs common to all tasks, and those that each task selects."""
    own = {guest: path for guest, path in spec.inputs.items() if templates.placeholders(path)}
    common = {
        guest: templates.fill(path, {}) for guest, path in spec.inputs.items() if guest not in own
    }
    return common, own


def _task(
    spec: WasmSpec, row: tasks.Row, own: dict[str, str], shared: set[str], files: Files
) -> Task:
    selected = {guest: templates.fill(path, row.values) for guest, path in own.items()}
    if clash := sorted((shared | set(selected)) & set(row.files)):
        raise SpecError(f"inputs.{clash[0]}", "a file of `tasks.files` has the same guest path")
    digests = {
        guest: files.digest("tasks.files" if guest in row.files else f"inputs.{guest}", local).hex()
        for guest, local in {**selected, **row.files}.items()
    }
    try:
        return Task(
            args=tuple(templates.fill(template, row.values) for template in spec.args),
            env={name: templates.fill(value, row.values) for name, value in spec.env.items()},
            files=digests,
        )
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        message = error.errors()[0]["msg"]
        raise SpecError(where, f"task {row.values['index']}: {message}") from error


def _check_program(path: Path) -> None:
    try:
        check_sections(path.read_bytes())
    except InvalidProgramError as error:
        raise SpecError("program", str(error)) from error
