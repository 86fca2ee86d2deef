"""The cast of a local network: an honest worker, one that lies, one that dies at a named step.

    python -m worker.cli.devnet.cast CONFIG [--lie] [--lie-at K] [--die-at STEP]

Refuses any chain but a local one: adversaries exist to be tried here, not to be run.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from worker import app, logs
from worker.chain.deployment import Deployment
from worker.chain.keys import LOCAL_CHAIN_ID
from worker.cli import exits
from worker.config import Config, load_config
from worker.errors import ConfigError
from worker.executors.base import Execution, Executor, TaskRun
from worker.executors.wasm import open_executor
from worker.protocol.manifest import Manifest
from worker.services.base import StepHook, no_hook
from worker.tensor.backends.base import Backend
from worker.tensor.backends.choose import open_backend
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Constant


class FaultyBackend:
    """Computes tensors as a broken kernel would: the first element that one operator of a program
    writes is off by one, the same way each time. The first operator alone is what the self-test at
    start runs: a fault there keeps the worker from provable jobs."""

    def __init__(self, honest: Backend[Any], operator: int) -> None:
        self._honest = honest
        self._operator = operator
        self.name = f"{honest.name}, faulty"

    def load(self, tensor: Constant) -> Any:
        """Load as the honest backend does."""
        return self._honest.load(tensor)

    def compute(self, op: Op, operands: Sequence[Any]) -> Any:
        """Return what the honest backend computes, one element of one operator's apart."""
        tensor = self._honest.compute(op, operands)
        if op.output.index != self._operator:
            return tensor
        wrong = self._honest.fetch(tensor).copy()
        wrong[0, 0] = wrong[0, 0] - 1 if wrong[0, 0] == op.hi else wrong[0, 0] + 1
        return self._honest.load(wrong)

    def fetch(self, tensor: Any) -> Array:
        """Fetch as the honest backend does."""
        return self._honest.fetch(tensor)


class Liar:
    """Runs every task, and then claims another fuel count."""

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


def dying_at(step: str) -> StepHook:
    """Return a hook that kills this process, as a power cut would, at its first `step`."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


async def play(config: Config, lie: bool, lie_at: int | None, die_at: str | None) -> int:
    """Run a worker in its role until told to stop. Raises ConfigError off local chains."""
    chain_id = Deployment.load(config.deployment).chain_id
    if chain_id != LOCAL_CHAIN_ID:
        raise ConfigError(f"the cast plays on local chains only, not on chain {chain_id}")
    executor = Liar(await open_executor(config.data / "modules")) if lie else None
    backend = None
    if lie_at is not None:
        backend = FaultyBackend(open_backend(config.require_node().tensor.backend), lie_at)
    on_step = dying_at(die_at) if die_at else no_hook
    return await app.run(config, executor=executor, backend=backend, on_step=on_step)


def main() -> int:
    """Read the role and play it."""
    parser = argparse.ArgumentParser(description="A worker of a local network.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--lie-at", metavar="K", type=int)
    parser.add_argument("--die-at", metavar="STEP")
    role = parser.parse_args()
    logs.configure("json")

    async def run() -> int:
        return await play(load_config(role.config), role.lie, role.lie_at, role.die_at)

    return exits.run(lambda: asyncio.run(run()), debug=True)


if __name__ == "__main__":
    raise SystemExit(main())
