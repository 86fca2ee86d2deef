"""One that claims and seals without computing: whatever it is asked, the answer is a guess."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from worker.cli.devnet.cast.role import Adversary
from worker.executors.base import Execution, Executor, TaskRun
from worker.protocol.bundle import pack
from worker.protocol.manifest import Manifest
from worker.protocol.merkle import chunk_root
from worker.protocol.record import ExitClass, Record
from worker.tensor.backends.base import Backend
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Constant

_BUNDLE = "bundle"
_FUEL = 1_000_000  # about what small programs burn


class Guess:
    """Runs nothing: every task is said to have ended well, with empty output."""

    def __init__(self, honest: Executor) -> None:
        self._honest = honest
        self.kind, self.engine = honest.kind, honest.engine

    async def prepare(self, program: Path, manifest: Manifest) -> None:
        """Compile nothing either."""

    async def execute(self, task: TaskRun) -> Execution:
        """Return a made-up record over a made-up bundle; the seed tells one task from another."""
        bundle = task.scratch / _BUNDLE
        with bundle.open("w+b") as file:
            pack({"stdout": b"", "stderr": b""}, file)
            size = file.tell()
            file.seek(0)
            root = chunk_root(file)
        guessed = _FUEL + hashlib.sha256(task.seed).digest()[0]
        record = Record(ExitClass.OK, 0, guessed, root, size, bytes(32))
        return Execution(record, bundle, seconds=0.0, overhead=0.0, cpu_seconds=0.0)

    async def close(self) -> None:
        """Close the executor that was never used."""
        await self._honest.close()


class GuessingBackend:
    """Computes a program's first operator, which the self-test at start looks at, and takes all
    others to be as small as they can be."""

    def __init__(self, honest: Backend[Any]) -> None:
        self._honest = honest
        self.name = f"{honest.name}, guessing"
        self.uses_gpu = honest.uses_gpu

    def load(self, tensor: Constant) -> Any:
        """Load as the honest backend does."""
        return self._honest.load(tensor)

    def compute(self, op: Op, operands: Sequence[Any]) -> Any:
        """Return the lowest value that the operator allows, everywhere."""
        if op.output.index == 0:
            return self._honest.compute(op, operands)
        output = op.output.type
        lowest = np.full((output.rows, output.cols), op.lo, output.dtype.numpy)
        return self._honest.load(lowest)

    def fetch(self, tensor: Any) -> Array:
        """Fetch as the honest backend does."""
        return self._honest.fetch(tensor)


class Lazy(Adversary):
    """Guesses in both lanes."""

    def executor(self, honest: Executor) -> Executor:
        """Guess records."""
        return Guess(honest)

    def backend(self, honest: Backend[Any]) -> Backend[Any]:
        """Guess tensors."""
        return GuessingBackend(honest)
