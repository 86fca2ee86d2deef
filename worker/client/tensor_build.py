"""Builds the job of a tensor program (docs/tensor.md §9)."""

from collections.abc import Iterable
from pathlib import Path

from worker.client import tasks, templates
from worker.client.arrays import ArrayBlob, read_tensor
from worker.client.build import Blob, Build, Files, check_columns, sha256
from worker.client.tensor_spec import TensorSpec
from worker.errors import InvalidProgramError, SpecError
from worker.protocol.tensor_job import TensorManifest, TensorTask, encode_tensor_table
from worker.tensor.commit import Commitment, Tree
from worker.tensor.program import Program
from worker.tensor.tensors import TensorType, to_bytes
from worker.tensor.trace import task_input_of
from worker.tensor.validate import validate
from worker.types import Digest


def build_tensor(spec: TensorSpec, folder: Path, only: Iterable[int] | None = None) -> Build:
    """Read the files under `folder` and build the job; `only` keeps the tasks of these numbers.

    Raises SpecError, also for a program that is not valid and for inputs that are not its own.
    """
    files = Files(folder)
    file = files.digest("program", spec.program)
    program = _read_program(files.blobs[file].path)
    rows = tasks.expand(spec.tasks, folder)
    check_columns(spec, set(rows[0].values))
    _check_count(spec, program)
    keep = range(len(rows)) if only is None else sorted(set(only))
    tensors = _Tensors(folder)
    table_rows = tuple(_task(spec, rows[index], program, tensors) for index in keep)
    table = encode_tensor_table(list(table_rows))
    manifest = TensorManifest(
        program=file.hex(),
        root=program.root.hex(),
        task_count=len(table_rows),
        table=sha256(table).hex(),
    )
    root = Tree([bytes.fromhex(row.digest) for row in table_rows]).root
    blobs = {**files.blobs, **tensors.blobs}
    return Build(spec, program.root, manifest, table_rows, table, root, blobs)


class _Tensors:
    """The input tensors met so far, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, TensorType], tuple[Digest, bytes]] = {}
        self.blobs: dict[Digest, Blob] = {}

    def digests(self, field: str, task: str, local: str, type: TensorType) -> tuple[Digest, bytes]:
        """Return the sha256 of a tensor's bytes and its commitment. Raises SpecError."""
        if (local, type) not in self._known:
            path = tasks.local_path(field, local, self._folder)
            try:
                tensor = read_tensor(path, type)
            except (ValueError, OSError) as error:
                raise SpecError(field, f'task {task}: "{local}" {error}') from error
            digest = sha256(to_bytes(tensor).tobytes())
            self._known[local, type] = digest, Commitment(tensor).digest
            self.blobs[digest] = ArrayBlob(path, type.nbytes, type)
        return self._known[local, type]


def _task(spec: TensorSpec, row: tasks.Row, program: Program, tensors: _Tensors) -> TensorTask:
    found = [
        tensors.digests(field, row.values["index"], local, type)
        for (field, local), type in zip(_paths(spec, row), program.inputs, strict=True)
    ]
    return TensorTask(
        inputs=tuple(digest.hex() for digest, _ in found),
        digest=task_input_of(commitment for _, commitment in found).hex(),
    )


def _paths(spec: TensorSpec, row: tasks.Row) -> list[tuple[str, str]]:
    """Return a task's input files, each with the field of the job file that names it."""
    if not spec.inputs:
        return [("tasks.files", local) for local in row.files.values()]
    return [(field, templates.fill(template, row.values)) for field, template in spec.templates()]


def _check_count(spec: TensorSpec, program: Program) -> None:
    count = len(program.inputs)
    if spec.inputs and len(spec.inputs) != count:
        raise SpecError("inputs", f"{len(spec.inputs)} paths, the program takes {count} inputs")
    if not spec.inputs and count != 1:
        raise SpecError(
            "tasks.files",
            f"the program takes {count} inputs: use tasks.table or tasks.range, and inputs",
        )


def _read_program(path: Path) -> Program:
    try:
        program = Program.decode(path.read_bytes())
        validate(program)
    except InvalidProgramError as error:
        raise SpecError("program", str(error)) from error
    return program
