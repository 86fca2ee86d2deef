"""A worker process for tests: honest, lying, or killed at a named step.

    python -m tests.e2e.actor CONFIG [--lie] [--die-at STEP]
"""

import argparse
import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

from worker import app, logs
from worker.config import load_config
from worker.executors.base import Execution, Executor, TaskRun
from worker.executors.wasm import open_executor
from worker.protocol.manifest import Manifest


class Liar:
    """Runs every task and then claims another fuel count."""

    def __init__(self, honest: Executor) -> None:
        self._honest = honest
        self.kind, self.engine = honest.kind, honest.engine

    async def prepare(self, program: Path, manifest: Manifest) -> None:
        """Prepare as an honest worker does."""
        await self._honest.prepare(program, manifest)

    async def execute(self, task: TaskRun) -> Execution:
        """Return the run with a false record."""
        truth = await self._honest.execute(task)
        return replace(truth, record=replace(truth.record, fuel=truth.record.fuel + 1))

    async def close(self) -> None:
        """Close the honest one."""
        await self._honest.close()


def dying_at(step: str):  # type: ignore[no-untyped-def]
    """Return a hook that kills this process, as a power cut would, at its first `step`."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


async def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--die-at", default="")
    arguments = parser.parse_args()
    logs.configure("json")
    config = load_config(arguments.config)
    executor = Liar(await open_executor(config.data / "modules")) if arguments.lie else None
    return await app.run(config, executor=executor, on_step=dying_at(arguments.die_at))


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
