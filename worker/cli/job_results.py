"""`proofmesh job logs | fetch | verify | receipt`: results, and whether they are true."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.exits import Exit
from worker.cli.output import Output, output_options
from worker.cli.runtime import open_client, run, settings_option
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client.outputs import Output as TaskOutput
    from worker.client.outputs import Progress
    from worker.client.receipts import Receipt
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
            wanted = list(tasks) or available(await client.view(reference))
            with _bar(len(wanted), out) as progress:
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


@click.command()
@click.argument("reference", metavar="JOB", required=False)
@click.option("--batch", type=int, default=0, show_default=True, help="Which batch's results.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=".",
              help="Where to write the receipt.")  # fmt: skip
@click.option("--check", "file", type=click.Path(path_type=Path, dir_okay=False),
              help="Check this receipt, offline.")  # fmt: skip
@click.option("--block", help="With --check: the hash of a block that you trust.")
@click.option("--config", "settings", type=click.Path(path_type=Path, dir_okay=False),
              help="Settings file instead of the usual one.")  # fmt: skip
@output_options
def receipt(
    reference: str | None,
    batch: int,
    folder: Path,
    file: Path | None,
    block: str | None,
    settings: Path | None,
    out: Output,
) -> None:
    """Write a receipt of a batch's results, or check one from a block's hash alone.

    A receipt proves with a block header and storage proofs that the contract settled on these
    results for exactly this program, these inputs and these terms.
    """
    if (file is None) == (reference is None) or (file is None) != (block is None):
        raise click.UsageError("give JOB, or --check FILE with --block HASH")
    if file is not None and block is not None:
        out.record(_checked(file, block), key="job")
    elif reference is not None:
        out.rows(_written(settings, reference, batch, folder),
                 columns=("file", "block", "tasks"), key="file")  # fmt: skip


def _checked(file: Path, block: str) -> dict[str, Any]:
    from worker.client.receipts import Receipt, check_receipt
    from worker.errors import UsageError

    try:
        trusted = bytes.fromhex(block.removeprefix("0x"))
    except ValueError:
        raise UsageError("--block: not a hash in hex") from None
    proof = Receipt.load(file)
    moment = check_receipt(proof, trusted)
    return {
        "valid": True,
        "job": proof.key.hex(),
        "settled_before": as_time(moment),
        "chain_id": proof.chain_id,
        "service": proof.service,
        "payer": proof.payer,
        "program": proof.program,
        "manifest": proof.manifest,
        "values": {str(task): value.hex() for task, value in proof.task_values().items()},
    }


def _written(
    settings: Path | None, reference: str, batch: int, folder: Path
) -> list[dict[str, Any]]:
    from worker.config import load_config

    async def work() -> list["Receipt"]:
        async with open_client(load_config(settings)) as client:
            return await client.receipts(reference, batch)

    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    for proof in run(work()):
        name = f"receipt-{proof.key.hex()[:16]}-{proof.batch}-{proof.stage}.json"
        (folder / name).write_text(proof.model_dump_json(indent=1) + "\n")
        rows.append(
            {
                "file": str(folder / name),
                "block": "0x" + proof.block_hash.hex(),
                "tasks": list(proof.task_values()),
            }
        )
    return rows


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
