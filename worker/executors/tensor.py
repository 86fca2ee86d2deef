"""Runs tensor programs: one at a time on one backend, in a thread of its own.

A run is bounded by the limits that its program was checked against: it cannot be cut short, and it
needs no more memory than they allow.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from worker.errors import ExecutionFailedError, InvalidBlobError, InvalidProgramError
from worker.tensor.backends.base import Backend
from worker.tensor.cost import Cost
from worker.tensor.execute import Runner, check_inputs
from worker.tensor.program import Op, Program
from worker.tensor.selftest import self_test
from worker.tensor.tensors import Array, TensorType, Weights, from_bytes, to_bytes
from worker.tensor.trace import run_traced, task_input, trace_segment
from worker.tensor.validate import TensorLimits, validate

HEADERS_BYTES = 1 << 20
"""More than a program's file has beside its constants."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class ProgramFacts:
    """What is known of a valid program without holding its constants."""

    root: bytes
    inputs: tuple[TensorType, ...]
    ops: tuple[Op, ...]
    cost: Cost


@dataclass(frozen=True)
class TensorTaskRun:
    """One task, ready to run: a checked program's file and its input tensors' files."""

    program: Path
    root: bytes
    inputs: tuple[Path, ...]


@dataclass(frozen=True)
class TensorExecution:
    """A finished run: the trace's root, its leaves and the outputs' bytes, both one after the
    other, and its wall seconds."""

    trace: bytes
    leaves: bytes
    outputs: bytes
    seconds: float


class TensorExecutor:
    """Checks and runs tensor programs. Every method raises ExecutionFailedError when this host, not
    the program, fails."""

    def __init__(self, backend: Backend[Any], limits: TensorLimits) -> None:
        """Compute on `backend`; programs beyond `limits` are refused."""
        self.limits = limits
        self._backend = backend
        self._thread = ThreadPoolExecutor(1, "tensor")
        self._loaded: tuple[bytes, Runner[Any]] | None = None

    @property
    def name(self) -> str:
        """The backend's name, for people."""
        return self._backend.name

    @property
    def uses_gpu(self) -> bool:
        """Whether programs run on a GPU."""
        return self._backend.uses_gpu

    async def self_test(self) -> str | None:
        """Return why the backend must not be used, or None. Takes some seconds."""
        return await self._in_thread(lambda: self_test(self._backend))

    async def check(self, file: Path) -> ProgramFacts:
        """Return the facts of a program's file. Raises InvalidProgramError."""
        return await self._in_thread(lambda: self._check(file))

    async def check_task(self, facts: ProgramFacts, inputs: Sequence[Path]) -> bytes:
        """Return what a task's inputs are committed to as. Raises InvalidBlobError when they are
        not the program's."""
        return await self._in_thread(lambda: task_input(read_inputs(facts.inputs, inputs)))

    async def run(self, task: TensorTaskRun) -> TensorExecution:
        """Run a task and commit to what it computed."""
        return await self._in_thread(lambda: self._run(task))

    async def segment(self, task: TensorTaskRun, segment: int) -> bytes:
        """Return the leaves of a segment's trace, 32 bytes for each operator."""
        return await self._in_thread(
            lambda: b"".join(trace_segment(*self._open(task), segment).leaves)
        )

    async def tensor(self, task: TensorTaskRun, operator: int) -> bytes:
        """Return the bytes of what an operator wrote, its rows one after the other."""
        return await self._in_thread(lambda: self._tensor(task, operator))

    async def close(self) -> None:
        """Begin no other run; the one that has begun ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            with _as_host_failures():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    def _check(self, file: Path) -> ProgramFacts:
        program = Program.decode(file.read_bytes())
        cost = validate(program, self.limits)
        return ProgramFacts(program.root, tuple(program.inputs), tuple(program.ops), cost)

    def _run(self, task: TensorTaskRun) -> TensorExecution:
        runner, inputs = self._open(task)
        began = time.monotonic()
        outputs, trace = run_traced(runner, inputs)
        return TensorExecution(
            trace=trace.root,
            leaves=b"".join(trace.leaves),
            outputs=b"".join(to_bytes(tensor).tobytes() for tensor in outputs),
            seconds=time.monotonic() - began,
        )

    def _tensor(self, task: TensorTaskRun, operator: int) -> bytes:
        ((_, tensor),) = Runner.run(*self._open(task), {operator})
        return to_bytes(tensor).tobytes()

    def _open(self, task: TensorTaskRun) -> tuple[Runner[Any], list[Array]]:
        """Return the loaded program, which stays for the next run of it, and the inputs."""
        if self._loaded is None or self._loaded[0] != task.root:
            self._loaded = None  # two large programs at once are more than was allowed
            program = Program.decode(task.program.read_bytes())
            if program.root != task.root:
                raise ExecutionFailedError("damaged", f"{task.program} is another program")
            self._loaded = task.root, Runner(program, self._backend)
        runner = self._loaded[1]
        return runner, read_inputs(runner.program.inputs, task.inputs)


def read_inputs(types: Sequence[TensorType], files: Sequence[Path]) -> list[Array]:
    """Return the tensors in some files. Raises InvalidBlobError unless they have these types."""
    if len(files) != len(types):
        raise InvalidBlobError(f"inputs: {len(files)}, the program takes {len(types)}")
    tensors: list[Array] = []
    for index, (type, file) in enumerate(zip(types, files, strict=True)):
        try:
            tensor = from_bytes(type, file.read_bytes())
        except ValueError as error:
            raise InvalidBlobError(f"input {index}: {error}") from error
        assert not isinstance(tensor, Weights)  # noqa: S101 - no input of a valid program is w8
        tensors.append(tensor)
    check_inputs(types, tensors)
    return tensors


@contextmanager
def _as_host_failures() -> Iterator[None]:
    try:
        yield
    except (InvalidProgramError, InvalidBlobError, ExecutionFailedError):
        raise
    except (MemoryError, OSError) as error:
        raise ExecutionFailedError("host", str(error) or type(error).__name__) from error
    except RuntimeError as error:  # what torch raises for all that a device cannot do
        raise ExecutionFailedError("device", str(error)) from error
