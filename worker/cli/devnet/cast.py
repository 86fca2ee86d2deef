"""The cast of a local network: an honest worker, one that lies, one that dies at a named step.

    python -m worker.cli.devnet.cast CONFIG [--lie] [--die-at STEP]

Refuses any chain but a local one: adversaries exist to be tried here, not to be run.
"""

import argparse
import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

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


async def play(config: Config, lie: bool, die_at: str | None) -> int:
    """Run a worker in its role until told to stop. Raises ConfigError off local chains."""
    chain_id = Deployment.load(config.deployment).chain_id
    if chain_id != LOCAL_CHAIN_ID:
        raise ConfigError(f"the cast plays on local chains only, not on chain {chain_id}")
    executor = Liar(await open_executor(config.data / "modules")) if lie else None
    return await app.run(config, executor=executor, on_step=dying_at(die_at) if die_at else no_hook)


def main() -> int:
    """Read the role and play it."""
    parser = argparse.ArgumentParser(description="A worker of a local network.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("--die-at", metavar="STEP")
    role = parser.parse_args()
    logs.configure("json")
    return exits.run(
        lambda: asyncio.run(play(load_config(role.config), role.lie, role.die_at)), debug=True
    )


if __name__ == "__main__":
    raise SystemExit(main())
