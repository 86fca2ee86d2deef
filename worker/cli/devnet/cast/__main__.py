"""Plays one part of a local network's cast.

    python -m worker.cli.devnet.cast CONFIG [--role ROLE] [--lie] [--lie-at K] [--die-at STEP]

Refuses any chain but a local one: adversaries exist to be tried here, not to be run.
"""

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from worker import app, logs
from worker.chain.deployment import Deployment
from worker.chain.keys import LOCAL_CHAIN_ID
from worker.cli import exits
from worker.cli.devnet.cast.copycat import Copycat
from worker.cli.devnet.cast.flooder import flood
from worker.cli.devnet.cast.griefer import Griefer
from worker.cli.devnet.cast.lazy import Lazy
from worker.cli.devnet.cast.liar import Liar
from worker.cli.devnet.cast.role import Role
from worker.cli.devnet.cast.roles import FLOODER
from worker.cli.devnet.cast.withholder import Withholder
from worker.config import Config, load_config
from worker.errors import ConfigError
from worker.executors.wasm import open_executor
from worker.services.base import StepHook, no_hook
from worker.tensor.backends.choose import open_backend

ROLES: Mapping[str, Callable[[Config], Role]] = {
    "honest": Role,
    "liar": Liar,
    "lazy": Lazy,
    "copycat": Copycat,
    "withholder": Withholder,
    "griefer": Griefer,
}
"""Those that are operators; see `worker.cli.devnet.cast.roles`."""


def dying_at(step: str) -> StepHook:
    """Return a hook that kills this process, as a power cut would, at its first `step`."""

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


async def play(role: Role, on_step: StepHook) -> int:
    """Run a worker in its role until told to stop."""
    config = role.config
    executor = role.executor(await open_executor(config.data / "modules"))
    backend = role.backend(open_backend(config.require_node().tensor.backend))
    async with app.open_ground(config, executor, backend) as ground:
        taken = role.take(ground)
        scheming = asyncio.create_task(role.scheme(taken))
        try:
            return await app.serve(taken, on_step)
        finally:
            scheming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await scheming


def require_local(config: Config) -> None:
    """Raise ConfigError off local chains."""
    chain_id = Deployment.load(config.deployment).chain_id
    if chain_id != LOCAL_CHAIN_ID:
        raise ConfigError(f"the cast plays on local chains only, not on chain {chain_id}")


def main() -> int:
    """Read the role and play it."""
    parser = argparse.ArgumentParser(description="One part of a local network's cast.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--role", choices=[*ROLES, FLOODER], default="honest")
    parser.add_argument("--lie", action="store_true", help="In WebAssembly jobs.")
    parser.add_argument("--lie-at", metavar="K", type=int, help="In a program's operator K.")
    parser.add_argument("--die-at", metavar="STEP")
    asked = parser.parse_args()
    logs.configure("json")

    async def run() -> int:
        config = load_config(asked.config)
        require_local(config)
        if asked.role == FLOODER:
            return await flood(config)
        role = ROLES[asked.role](config)
        if asked.lie or asked.lie_at is not None:
            role = Liar(config, asked.lie, asked.lie_at)
        return await play(role, dying_at(asked.die_at) if asked.die_at else no_hook)

    return exits.run(lambda: asyncio.run(run()), debug=True)


if __name__ == "__main__":
    raise SystemExit(main())
