"""`proofmesh job logs | fetch | verify`: results, and whether they are true."""

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
    from worker.client.outputs import Output as TaskOutput
    from worker.client.outputs import Progress
    from worker.config import Config

_JOB = click.argument("reference", metavar="JOB")
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
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False),
              default="out", show_default=True, help="Where task-<number>/ goes.")  # fmt: skip
@settings_option
@output_options
def fetch(
    config: "Config", reference: str, tasks: tuple[int, ...], folder: Path, out: Output
) -> None:
    """Fetch outputs from the workers, check every digest, and write them."""
    rows: list[dict[str, Any]] = []

    async def work() -> None:
        from worker.client.outputs import available

        async with open_client(config) as client:
            wanted = list(tasks) or None
            count = len(tasks or available(await client.view(reference)))
            with _bar(count, out) as progress:
                async for output in client.outputs(reference, wanted, progress):
                    rows.append(_row(output, output.extract(folder)))

    run(work())
    rows.sort(key=lambda row: row["task"])
    columns = ("task", "exit", "fuel", "bytes", "operator", "folder")
    out.rows(rows, columns=columns, key="folder")
    if any(row["exit"] != "ok" for row in rows):
        raise click.exceptions.Exit(Exit.JOB_FAILED)


@click.command()
@_JOB
@_TASKS
@settings_option
@output_options
def verify(config: "Config", reference: str, tasks: tuple[int, ...], out: Output) -> None:
    """Run tasks again on this machine and compare with what was settled."""
    rows: list[dict[str, Any]] = []

    async def work() -> None:
        async with open_client(config) as client:
            async for verdict in client.verify(reference, list(tasks) or None):
                out.note(f"task {verdict.task}: {'agrees' if verdict.agrees else 'DIFFERS'}")
                rows.append(
                    {
                        "task": verdict.task,
                        "agrees": verdict.agrees,
                        "exit": verdict.record.exit_class.name.lower(),
                        "fuel": verdict.record.fuel,
                    }
                )

    run(work())
    out.rows(rows, columns=("task", "agrees", "exit", "fuel"), key="task")
    if not all(row["agrees"] for row in rows):
        raise click.exceptions.Exit(Exit.VERIFICATION)


def _row(output: "TaskOutput", files: list[Path]) -> dict[str, Any]:
    record = output.result.record
    return {
        "task": output.task,
        "exit": record.exit_class.name.lower(),
        "exit_code": record.exit_code,
        "fuel": record.fuel,
        "bytes": record.output_bytes,
        "operator": output.operator,
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
