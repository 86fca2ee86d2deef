"""`proofmesh job logs | fetch | demand | verify`: results, and whether they are true."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.exits import Exit
from worker.cli.output import Output, output_options
from worker.cli.runtime import open_client, run, settings_option

if TYPE_CHECKING:
    from worker.client.demands import Cost
    from worker.client.output import Output as TaskOutput
    from worker.client.outputs import Progress
    from worker.client.verify import Verdict
    from worker.config import Config

_JOB = click.argument("reference", metavar="JOB")
_TO = click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False),
                   default="out", show_default=True, help="Where task-<number>/ goes.")  # fmt: skip
_TASKS = click.option("--task", "tasks", type=int, multiple=True, help="Only these tasks.")


@click.command()
@_JOB
@click.argument("task", type=int)
@click.option("--stream", type=click.Choice(("stderr", "stdout")), default="stderr",
              show_default=True)  # fmt: skip
@settings_option
def logs(config: "Config", reference: str, task: int, stream: str) -> None:
    """Print what a task wrote to its standard error or output."""

    async def work() -> bytes:
        async with open_client(config) as client:
            return await client.logs(reference, task, stream)

    sys.stdout.buffer.write(run(work()))
    sys.stdout.buffer.flush()


@click.command()
@_JOB
@_TASKS
@_TO
@settings_option
@output_options
def fetch(
    config: "Config", reference: str, tasks: tuple[int, ...], folder: Path, out: Output
) -> None:
    """Fetch outputs from the workers, check every digest, and write them.

    Outputs of tensor programs are arrays, output-0.npy and so on; they can be fetched as soon as
    they are shown, while they may still be proved wrong.
    """
    rows: list[dict[str, Any]] = []

    async def work() -> None:
        from worker.client.output import available

        async with open_client(config) as client:
            wanted = list(tasks) or None
            count = len(tasks or available(await client.view(reference)))
            with _bar(count, out) as progress:
                async for output in client.outputs(reference, wanted, progress):
                    rows.append(_row(output, output.extract(folder)))

    run(work())
    _print(rows, out)


@click.command()
@_JOB
@_TASKS
@_TO
@click.option("--operator", type=int,
              help="Whom to ask, of those paid; else the first that was never silent.")  # fmt: skip
@click.option("--most", type=click.IntRange(1), default=32, show_default=True,
              help="How many pieces may be demanded; records are counted apart.")  # fmt: skip
@click.option("-y", "--yes", is_flag=True, help="Do not ask before paying.")
@settings_option
@output_options
def demand(
    config: "Config",
    reference: str,
    tasks: tuple[int, ...],
    folder: Path,
    operator: int | None,
    most: int,
    yes: bool,
    out: Output,
) -> None:
    """Get settled outputs that no worker serves through the chain, check and write them.

    For the job's payer, within a day of the settlement. Each piece of about a kilobyte is demanded
    by a transaction and for a bond, which pays who answers; who does not answer in time loses its
    standing bond, and yours comes back. What was demanded before is only waited for.
    """
    asks = not yes and sys.stdin.isatty() and out.is_interactive

    async def work() -> list[dict[str, Any]]:
        async with open_client(config) as client:
            outputs = await client.demand(
                reference,
                list(tasks) or None,
                operator=operator,
                most=most,
                ask=lambda cost: _agree(cost, asks, out),
                tell=out.note,
            )
            return [_row(output, output.extract(folder)) for output in outputs]

    _print(run(work()), out)


def _agree(cost: "Cost", asks: bool, out: Output) -> None:
    """Show what demands cost; leave unless the person agrees."""
    from worker.client.wallet import as_tokens

    out.note(
        f"{cost.pieces} pieces to demand: bonds of {as_tokens(cost.bonds)} tokens for the answers, "
        f"{cost.gas} gas for {as_tokens(cost.gas_cost)}"
    )
    if asks and not click.confirm("Demand them?", err=True):
        raise click.exceptions.Exit(Exit.WALLET)


def _print(rows: list[dict[str, Any]], out: Output) -> None:
    """Print what was written; leave with JOB_FAILED when a program failed."""
    rows.sort(key=lambda row: row["task"])
    details = ("exit", "fuel") if rows and "exit" in rows[0] else ("outputs",)
    columns = ("task", *details, "bytes", "operator", "final", "folder")
    out.rows(rows, columns=columns, key="folder")
    if not all(row["final"] for row in rows):
        out.note("not final yet: `job show` tells until when it can be refused or proved wrong")
    if any(row.get("exit", "ok") != "ok" for row in rows):
        raise click.exceptions.Exit(Exit.JOB_FAILED)


@click.command()
@_JOB
@_TASKS
@settings_option
@output_options
def verify(config: "Config", reference: str, tasks: tuple[int, ...], out: Output) -> None:
    """Run tasks again on this machine and compare with what was settled, or is shown so far."""
    rows: list[dict[str, Any]] = []

    async def work() -> None:
        async with open_client(config) as client:
            async for verdict in client.verify(reference, list(tasks) or None):
                out.note(f"task {verdict.task}: {'agrees' if verdict.agrees else 'DIFFERS'}")
                rows.append(_verdict(verdict, out))

    run(work())
    out.rows(rows, columns=tuple(rows[0]) if rows else (), key="task")
    if not all(row["agrees"] for row in rows):
        raise click.exceptions.Exit(Exit.VERIFICATION)


def _verdict(verdict: "Verdict", out: Output) -> dict[str, Any]:
    """Return a verdict's row; say what can be done about a wrong result."""
    from worker.client.tensor_verify import TensorVerdict
    from worker.client.verify import WasmVerdict

    row: dict[str, Any] = {"task": verdict.task, "agrees": verdict.agrees}
    if isinstance(verdict, WasmVerdict):
        row |= {"exit": verdict.record.exit_class.name.lower(), "fuel": verdict.record.fuel}
    elif isinstance(verdict, TensorVerdict):
        row["difference"] = None if verdict.difference is None else str(verdict.difference)
        if not verdict.agrees and not verdict.is_final:
            out.note("it can be proved wrong now: `proofmesh node watch` convicts who showed it")
    return row


def _row(output: "TaskOutput", files: list[Path]) -> dict[str, Any]:
    from worker.client.tensor_output import TensorOutput
    from worker.client.wasm_output import WasmOutput
    from worker.tensor.tensors import type_of

    details: dict[str, Any] = {}
    if isinstance(output, WasmOutput):
        record = output.result.record
        details = {
            "exit": record.exit_class.name.lower(),
            "exit_code": record.exit_code,
            "fuel": record.fuel,
        }
    elif isinstance(output, TensorOutput):
        details = {"outputs": [str(type_of(tensor)) for tensor in output.tensors.values()]}
    return {
        "task": output.task,
        **details,
        "bytes": output.size,
        "operator": output.operator,
        "final": output.claim.is_final,
        "folder": str(files[0].parent),
        "files": [str(file) for file in files],
    }


@contextmanager
def _bar(total: int, out: Output) -> Iterator["Progress"]:
    """Show a progress bar to a person; say nothing to a program."""
    if not out.moves:
        yield lambda task, size: None
        return
    from rich.progress import Progress as Bar

    with Bar(transient=True) as bar:
        line = bar.add_task("fetching", total=total)
        yield lambda task, size: bar.advance(line)
