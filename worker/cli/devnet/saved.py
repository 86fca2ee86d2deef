"""A chain that carries the contracts already: deployed once for each build, taken up ever after."""

import asyncio
import fcntl
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.chain.deployment import Deployment
from worker.cli.devnet.anvil import CHAIN_ID, Anvil
from worker.cli.devnet.deploy import deploy

_MADE_FROM = (
    "ape-config.yaml",
    ".build/*.json",
    "contracts/**/*.vy*",
    "scripts/deploy.py",
    "scripts/_deployment.py",
    "scripts/_params.py",
    "scripts/params/local.yaml",
)
_LOCK_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class _Saved:
    """A chain's state as anvil dumps it, its deployment file, and a digest of their sources."""

    made_from: str
    state: str
    deployment: str


async def deploy_or_load(root: Path, anvil: Anvil, folder: Path, log: Path) -> Deployment:
    """Bring the contracts of the checkout `root` to a fresh chain, as `deploy` does.

    What it deployed is kept in the checkout's `.cache` and loaded by later calls, until a source, a
    build or a parameter has changed. Several processes may call this at a time: one deploys.
    """
    place = root / ".cache" / "chain.json"
    file = folder / f"{CHAIN_ID}.json"
    async with _locked(place.with_suffix(".lock")):
        saved = _read(place, _digest(root))
        if saved is None:
            deployment = await deploy(root, anvil, folder, log)
            # ape compiles what it finds changed: what was deployed is known only now.
            _write(place, _Saved(_digest(root), await anvil.dump(), file.read_text()))
            return deployment
    await anvil.load(saved.state)
    file.write_text(saved.deployment)
    return Deployment.load(file)


def _digest(root: Path) -> str:
    """Return what a deployment depends on in 64 hexadecimal digits."""
    whole = hashlib.sha256()
    for path in sorted(path for pattern in _MADE_FROM for path in root.glob(pattern)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(root)} {content}\n".encode())
    return whole.hexdigest()


def _read(place: Path, made_from: str) -> _Saved | None:
    """Return what is saved, None where it is missing, torn or made from something else."""
    try:
        saved = _Saved(**json.loads(place.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return saved if saved.made_from == made_from else None


def _write(place: Path, saved: _Saved) -> None:
    """Replace what is saved in one step."""
    new = place.with_suffix(".new")
    new.write_text(json.dumps(asdict(saved)))
    new.replace(place)


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold a lock between processes, which the kernel gives up when its holder ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOCK_POLL_SECONDS)
        yield
