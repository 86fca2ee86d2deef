"""Claims, and what was fetched for them: one task's output, checked, whatever the lane."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from worker.client.view import JobView, TaskState
from worker.errors import NotFoundError, UsageError
from worker.protocol.record import FAILED
from worker.types import OperatorId, TaskIndex


@dataclass(frozen=True)
class Claim:
    """The value that a task's result must have, and who can show it.

    One that is not final was shown and stands so far: it may yet be refused or proved wrong.
    """

    task: TaskIndex
    value: bytes
    operators: tuple[OperatorId, ...]
    is_final: bool = True


@dataclass(frozen=True)
class Output:
    """One task's checked result, from one operator. `file` is the blob that holds all of it."""

    claim: Claim
    operator: OperatorId
    file: Path

    @property
    def task(self) -> TaskIndex:
        """The task's number."""
        return self.claim.task

    @property
    def size(self) -> int:
        """How many bytes were put out."""
        return self.file.stat().st_size

    def extract(self, folder: Path) -> list[Path]:
        """Write the outputs to `folder`/task-<number>, in place of what was there."""
        target = folder / f"task-{self.task:05d}"
        part = folder / f".task-{self.task:05d}.part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            paths = self._write(part)
            shutil.rmtree(target, ignore_errors=True)
            part.replace(target)
        except OSError as error:
            raise UsageError(f"cannot write to {target}: {error.strerror}") from error
        return [target / path.relative_to(part) for path in paths]

    def read(self, name: str) -> bytes:
        """Return "stdout", "stderr" or a file "out/…". Raises NotFoundError."""
        raise NotFoundError(f"task {self.task} put out no {name}")

    def _write(self, folder: Path) -> list[Path]:
        raise NotImplementedError


class Reader(Protocol):
    """Reads what operators of one job tell of its tasks."""

    async def read(
        self, claim: Claim, operator: OperatorId, endpoint: str, document: bytes
    ) -> Output:
        """Return the output that an operator's document names, fetched and checked.

        Raises FetchError, or VerificationError where it is false.
        """
        ...


def claim_of(view: JobView, index: int) -> Claim:
    """Return what a task's result must be: as settled, or as it was shown and stands so far.

    Raises NotFoundError where there is none.
    """
    task = view.task(index)
    if task.state is TaskState.DONE and task.value is not None:
        return Claim(task.index, task.value, task.operators)
    batch = view.batch(index // view.terms.batch_size)
    if batch.standing and (value := batch.standing[index % view.terms.batch_size]) != FAILED:
        return Claim(task.index, value, batch.shown_by, is_final=False)
    raise NotFoundError(f"task {index} has no result: it is {task.state}")


def available(view: JobView) -> list[TaskIndex]:
    """Return the tasks whose outputs can be fetched."""
    found = []
    for task in view.tasks:
        try:
            found.append(claim_of(view, task.index).task)
        except NotFoundError:
            continue
    return found
