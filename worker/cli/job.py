"""`proofmesh job`: post work, follow it, fetch and check results."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.exits import Exit
from worker.cli.job_payer import accept, cancel, raise_price, settle
from worker.cli.job_receipt import receipt
from worker.cli.job_results import demand, fetch, logs, verify
from worker.cli.job_watch import follow, list_jobs, show, watch
from worker.cli.output import Output, output_options
from worker.cli.runtime import Duration, open_client, run, settings_option

if TYPE_CHECKING:
    from worker.client import AsyncClient, Delivery, JobFile
    from worker.client.quote import Quote
    from worker.config import Config

_WAITS = ("submitted", "accepted", "result", "final")
_FILE = click.argument(
    "source", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True)
)


@click.group("job")
def job() -> None:
    """Post work, follow it, fetch and check results.

    JOB is a job's key, the beginning of it, or the name in its job file.
    """


for command in (list_jobs, show, follow, logs, fetch, demand, verify, receipt, cancel, accept,
                raise_price, settle):  # fmt: skip
    job.add_command(command)


@job.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="job.yaml")
@output_options
def init(file: Path, out: Output) -> None:
    """Write a job file to start from."""
    from importlib import resources

    text = resources.files("worker.cli").joinpath("job.template.yaml").read_text()
    try:
        with file.open("x") as target:
            target.write(text)
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
    out.note("next: change it, then `proofmesh job validate`")
    out.record({"file": file}, key="file")


@job.command()
@_FILE
@output_options
def validate(source: Path, out: Output) -> None:
    """Check a job file and all that it names, without a network. "-" reads it from stdin."""
    from worker.protocol.manifest import Manifest

    loaded = _load(source)
    built = loaded.build()
    record = {
        "name": loaded.spec.name,
        "kind": loaded.spec.kind,
        "tasks": len(built.rows),
        "batches": -(-len(built.rows) // loaded.spec.batch),
        "upload_bytes": built.bytes_total,
        "program": built.program.hex(),
        "manifest": built.manifest.digest().hex(),
    }
    if isinstance(built.manifest, Manifest):
        record["engine"] = built.manifest.engine
    out.record(record, key="manifest")


def _delivery_options(command: Any) -> Any:
    """Add the options that say how operators get the blobs."""
    for option in reversed((
        click.option("--locator", "locators", multiple=True,
                     help="Where the blobs lie already, such as https://host/{digest}."),
        click.option("--serve", metavar="HOST:PORT", help="Serve the blobs from here until the "
                     "job has its results; --public-url says how others reach it."),
        click.option("--public-url", help="The URL of what --serve serves."),
        click.option("--copies", type=click.IntRange(1, 16), default=3, show_default=True,
                     help="With how many workers the blobs are left otherwise."),
    )):  # fmt: skip
        command = option(command)
    return command


def _waiting_options(command: Any) -> Any:
    for option in (
        click.option("--timeout", type=Duration(), help="The longest to wait, such as 10m."),
        click.option("--wait", "until", type=click.Choice(_WAITS), default="submitted",
                     show_default=True, help="What to wait for."),
    ):  # fmt: skip
        command = option(command)
    return command


@job.command()
@_FILE
@_waiting_options
@click.option("--dry-run", is_flag=True, help="Show cost and operators; send nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before paying.")
@_delivery_options
@settings_option
@output_options
def submit(
    config: "Config",
    source: Path,
    until: str,
    timeout: int | None,
    dry_run: bool,
    yes: bool,
    locators: tuple[str, ...],
    serve: str | None,
    public_url: str | None,
    copies: int,
    out: Output,
) -> None:
    """Post a job with its escrow. "-" reads the job file from stdin.

    The program and its inputs become public: every operator who draws the job reads them.
    """
    loaded = _load(source)
    asks = not yes and not dry_run and sys.stdin.isatty() and out.is_interactive

    async def work() -> int:
        async with open_client(config) as client:
            if dry_run or asks:
                quote = await client.quote(loaded)
                _print_quote(quote, out)
                if dry_run:
                    return Exit.OK
                if not click.confirm("Post this job?", err=True):
                    return Exit.WALLET
            return await _post(client, loaded, _delivery(locators, public_url, copies, serve),
                               serve, until, timeout, out)  # fmt: skip

    _leave(run(work()))


@job.command()
@click.argument("reference", metavar="JOB")
@_waiting_options
@_delivery_options
@settings_option
@output_options
def retry(
    config: "Config",
    reference: str,
    until: str,
    timeout: int | None,
    locators: tuple[str, ...],
    serve: str | None,
    public_url: str | None,
    copies: int,
    out: Output,
) -> None:
    """Post those tasks of JOB again that ended without a result."""
    delivery = _delivery(locators, public_url, copies, serve)

    async def work() -> int:
        async with open_client(config) as client:
            again = await client.unfinished(reference)
            return await _post(client, again, delivery, serve, until, timeout, out)

    _leave(run(work()))


@job.command()
@click.argument("reference", metavar="JOB")
@click.option("--copies", type=click.IntRange(1, 16), default=3, show_default=True)
@settings_option
@output_options
def publish(config: "Config", reference: str, copies: int, out: Output) -> None:
    """Leave the blobs of JOB with workers again, should the first ones be gone."""

    async def work() -> int:
        async with open_client(config) as client:
            return await client.publish(reference, copies)

    out.record({"job": reference, "workers": run(work())}, key="workers")


async def _post(
    client: "AsyncClient",
    loaded: "JobFile",
    delivery: "Delivery",
    serve: str | None,
    until: str,
    within: int | None,
    out: Output,
) -> int:
    async with AsyncExitStack() as stack:
        if serve:
            await stack.enter_async_context(client.serving(*_address(serve)))
            until = until if until in ("result", "final") else "result"
        record = await client.submit(
            loaded, delivery, progress=lambda who, size: out.note(f"{who} took {size} bytes")
        )
        out.record({"job": record.key, "name": record.name, "block": record.block}, key="job")
        if until == "submitted":
            return Exit.OK
        return await watch(client, record.key or record.id, until, within, out)


def _load(source: Path) -> "JobFile":
    from worker.client import JobFile

    if str(source) == "-":
        return JobFile.parse(sys.stdin.buffer.read(), Path.cwd())
    return JobFile.load(source)


def _delivery(
    locators: tuple[str, ...], public_url: str | None, copies: int, serve: str | None
) -> "Delivery":
    from worker.client import Delivery

    if (serve is None) != (public_url is None):
        raise click.UsageError("--serve and --public-url belong together")
    return Delivery(locators, public_url, copies)


def _address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise click.UsageError(f"--serve {value}: write HOST:PORT")
    return host, int(port)


def _print_quote(quote: "Quote", out: Output) -> None:
    from worker.client.wallet import as_tokens

    summary = {
        "tasks": quote.tasks,
        "batches": quote.batches,
        "escrow": as_tokens(quote.escrow),
        "expected_cost": as_tokens(quote.expected),
        "of_it_fee": as_tokens(quote.fee),
        "gas": quote.gas,
        "gas_cost": None if quote.gas_cost is None else as_tokens(quote.gas_cost),
        "upload_bytes": quote.upload_bytes,
        "eligible": f"{len(quote.eligible)} of {len(quote.candidates)}",
    }
    candidates = [
        {
            "operator": one.operator,
            "weight": one.weight,
            "eligible": one.is_eligible,
            "why_not": list(one.reasons),
        }
        for one in quote.candidates
    ]
    if out.form == "table" and not out.quiet:
        out.record(summary, key="escrow")
        columns = ("operator", "weight", "eligible", "why_not")
        out.rows(candidates, columns=columns, key="operator")
    else:
        whole = {**summary, "operators": candidates, "warnings": list(quote.warnings)}
        out.record(whole, key="escrow")
    for warning in quote.warnings:
        out.note(f"note: {warning}")


def _leave(code: int) -> None:
    if code:
        raise click.exceptions.Exit(code)
