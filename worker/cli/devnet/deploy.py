"""Deploys to a local chain with the project's own script, as anybody would to any network."""

import asyncio
import os
import sys
from pathlib import Path

from worker.chain.deployment import Deployment
from worker.cli.devnet.anvil import CHAIN_ID, Anvil
from worker.errors import ConfigError

DEPLOYER = 0
"""The local chain's account that deploys and owns the first tokens."""


def find_checkout() -> Path:
    """Return the checkout's folder: contracts are compiled from it. Raises ConfigError."""
    for folder in (Path.cwd(), *Path.cwd().parents, Path(__file__).parents[3]):
        if (folder / "ape-config.yaml").exists() and (folder / "contracts").is_dir():
            return folder
    raise ConfigError("local networks are started from a checkout of the project")


async def deploy(root: Path, anvil: Anvil, folder: Path, log: Path) -> Deployment:
    """Run the deployment script against a fresh chain; its file goes to `folder`, absolute."""
    cache = root / ".cache"
    for name in ("ape", "vvm"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    programs = Path(sys.executable).parent
    command = [
        *(str(programs / "ape"), "run", "deploy", "--network", "ethereum:local:foundry"),
        *("--account", f"TEST::{DEPLOYER}", "--folder", str(folder)),
    ]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=root,
            env={
                **os.environ,
                "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
                "APE_DATA_FOLDER": str(cache / "ape"),
                "VVM_BINARY_PATH": str(cache / "vvm"),  # else a folder in the person's home
                "APE_FOUNDRY_HOST": anvil.url,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    if code != 0:
        raise ConfigError(f"the deployment failed with code {code}: see {log}")
    return Deployment.load(folder / f"{CHAIN_ID}.json")
