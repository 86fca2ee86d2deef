"""`proofmesh dev`: a network on this machine, in a folder of the checkout, gone when it stops."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import run

_FOLDER = ".proofmesh/dev"
_STOP_SECONDS = 60.0


@click.group("dev")
def dev() -> None:
    """A network on this machine, for trying things out."""


@dev.command()
@click.option("--operators", type=click.IntRange(1, 20), default=5, show_default=True)
@click.option("--cast", "parts", metavar="PART:NUMBER,…",
              help="Who plays instead, such as honest:6,liar:2,lazy:1,copycat:1,withholder:1,"
              "griefer:1,flooder:1.")  # fmt: skip
def up(operators: int, parts: str | None) -> None:
    """Start a chain, the contracts and staked workers; runs until Ctrl-C or `dev down`."""
    from worker.cli.devnet.cast.roles import Cast

    root, folder = _places()
    cast = Cast.parse(parts or f"honest:{operators}")

    async def work() -> None:
        from worker.cli.devnet.stage import open_stage

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with open_stage(root, folder, cast, click.echo) as stage:
            for operator in stage.network.operators:
                await stage.start(operator)
                part = stage.role(operator)
                click.echo(f"worker {operator.id}, {part}: settings {operator.settings}")
            await stage.start_flooders()
            settings = stage.network.write_requester_settings()
            click.echo(f"as requester: export PROOFMESH_CONFIG={settings}")
            await stop.wait()

    with _pid_file(folder):
        run(work())


@dev.command()
def down() -> None:
    """Stop the network that `dev up` runs in another terminal."""
    from worker.errors import NotFoundError, WaitTimeoutError

    file = _places()[1] / "up.pid"
    try:
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        raise NotFoundError("no local network runs") from None
    ends_at = time.monotonic() + _STOP_SECONDS
    while file.exists():
        if time.monotonic() > ends_at:
            raise WaitTimeoutError(f"process {pid} still stops")
        time.sleep(0.1)


@dev.command()
@click.option("--picture", type=click.Path(path_type=Path), default=Path("out/raytrace.png"),
              show_default=True, help="Where the picture goes.")  # fmt: skip
def demo(picture: Path) -> None:
    """A job from wallet to wallet: five workers, one lies, one is killed and starts again."""
    from worker.cli.devnet.demo import PARTS, run_demo
    from worker.cli.watch import open_watch

    root, folder = _places()
    started = time.monotonic()

    def write(text: str) -> None:
        click.echo(f"{time.monotonic() - started:5.1f} s  {text}")

    with _pid_file(folder):
        watch = open_watch(Output().moves, "demo", write, PARTS)
        try:
            run(run_demo(root, folder, picture, watch))
        finally:
            watch.close()


@dev.command()
@output_options
def audit(out: Output) -> None:
    """Check every invariant of the local network, and its workers' databases against its chain;
    exits 1 when one is broken."""
    from worker.cli.devnet.audit import Audit

    async def work() -> Audit:
        from worker.cli.devnet.reconcile import audit_deployment
        from worker.config import load_config

        folder = _places()[1]
        used = (file.parent for file in folder.glob("worker-*/worker.sqlite"))
        workers = [load_config(place / "config.toml") for place in sorted(used)]
        config = load_config(folder / "requester.toml")
        return await audit_deployment(config.deployment, config.chain, workers)

    found = run(work())
    rows = [
        {
            "invariant": check.invariant,
            "claim": check.claim,
            "holds": check.holds,
            "differs": check.differs,
        }
        for check in found.checks
    ]
    out.rows(rows, columns=["invariant", "claim", "holds", "differs"], key="claim")
    if not found.holds:
        raise click.exceptions.Exit(1)


def _places() -> tuple[Path, Path]:
    """Return the checkout and the folder in it where local networks live."""
    from worker.cli.devnet.deploy import find_checkout

    root = find_checkout()
    return root, root / _FOLDER


@contextlib.contextmanager
def _pid_file(folder: Path) -> Iterator[None]:
    """Keep this process's id while it runs; one local network at a time, each from nothing."""
    import shutil

    from worker.errors import UsageError

    file = folder / "up.pid"
    if file.exists() and _runs(int(file.read_text() or 0)):
        raise UsageError("a local network runs already: `proofmesh dev down` stops it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    file.write_text(str(os.getpid()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return pid > 0
