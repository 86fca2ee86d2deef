"""One that does the work and then tells something else: every record false, or a broken kernel."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from worker.cli.devnet.cast.faulty import FaultyBackend
from worker.cli.devnet.cast.role import Adversary
from worker.config import Config
from worker.executors.base import Execution, Executor, TaskRun
from worker.protocol.manifest import Manifest
from worker.tensor.backends.base import Backend

_SECOND = 1  # of a program's operators: the self-test at start runs the first alone


class FalseRecords:
    """Runs every task, and then claims another fuel count: `more` than it was."""

    def __init__(self, honest: Executor, more: int) -> None:
        self._honest = honest
        self._more = more
        self.kind, self.engine = honest.kind, honest.engine

    async def prepare(self, program: Path, manifest: Manifest) -> None:
        """Prepare as an honest worker does."""
        await self._honest.prepare(program, manifest)

    async def execute(self, task: TaskRun) -> Execution:
        """Return the run with a false record."""
        truth = await self._honest.execute(task)
        return replace(truth, record=replace(truth.record, fuel=truth.record.fuel + self._more))

    async def close(self) -> None:
        """Close the honest one."""
        await self._honest.close()


class Liar(Adversary):
    """Lies in both lanes, or in one. Liars do not collude: each tells a lie of its own."""

    def __init__(
        self, config: Config, in_records: bool = True, operator: int | None = _SECOND
    ) -> None:
        """`operator` is the program's whose output is wrong, None for none."""
        super().__init__(config)
        self._in_records = in_records
        self._faulty = operator

    def executor(self, honest: Executor) -> Executor:
        """Falsify records."""
        return FalseRecords(honest, more=self.operator) if self._in_records else honest

    def backend(self, honest: Backend[Any]) -> Backend[Any]:
        """Break the kernel."""
        return honest if self._faulty is None else FaultyBackend(honest, self._faulty)
