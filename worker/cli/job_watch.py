"""`proofmesh job list | show | follow`: what became of jobs."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from worker.cli.exits import Exit
from worker.cli.output import Output, output_options
from worker.cli.runtime import Duration, open_client, run, settings_option
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client import AsyncClient
    from worker.client.follow import Step
    from worker.client.lane import Lane
    from worker.client.status import JobStatus
    from worker.config import Config
    from worker.protocol.words import Terms


@click.command("list")
@settings_option
@output_options
def list_jobs(config: "Config", out: Output) -> None:
    """List the jobs posted from this machine, the newest first."""

    async def work() -> list["JobStatus"]:
        async with open_client(config) as client:
            return await client.list_jobs()

    rows = [_summary(status) for status in run(work())]
    columns = ("job", "name", "state", "tasks_done", "tasks", "result_delivered", "payment_final")
    if out.form == "table" and not out.quiet:
        rows = [{**row, "job": row["job"][:16]} for row in rows]
    out.rows(rows, columns=columns, key="job")


@click.command()
@click.argument("reference", metavar="JOB")
@settings_option
@output_options
def show(config: "Config", reference: str, out: Output) -> None:
    """Show a job: whether its result is delivered and, apart from that, its payment final."""

    async def work() -> "JobStatus":
        async with open_client(config) as client:
            return await client.show(reference)

    status = run(work())
    record, batches = _details(status), _batches(status)
    if out.form != "table" or out.quiet:
        out.record({**record, "batches": batches, "task_list": _tasks(status)}, key="job")
        return
    out.record(record, key="job")
    columns = ("batch", "state", "until", "round", "price", "operators", "done")
    out.rows(batches, columns=columns, key="batch")


@click.command()
@click.argument("reference", metavar="JOB")
@click.option("--until", type=click.Choice(("accepted", "result", "final")), default="final",
              show_default=True, help="When to stop.")  # fmt: skip
@click.option("--timeout", type=Duration(), help="The longest to follow, such as 10m.")
@settings_option
@output_options
def follow(config: "Config", reference: str, until: str, timeout: int | None, out: Output) -> None:
    """Show a job as it moves. Ctrl-C stops watching; the job lives on.

    On a terminal it is a picture, elsewhere and with NO_COLOR a line for every step.
    """

    async def work() -> int:
        async with open_client(config) as client:
            return await watch(client, reference, until, timeout, out)

    if code := run(work()):
        raise click.exceptions.Exit(code)


async def watch(
    client: "AsyncClient", reference: str, until: str, within: int | None, out: Output
) -> int:
    """Show a job's steps until it is as far as `until`; return the exit code of its outcome.

    Raises WaitTimeoutError after `within` seconds.
    """
    from worker.cli.watch import open_watch
    from worker.client import Until
    from worker.client.view import TaskState
    from worker.errors import WaitTimeoutError

    shown = (
        _Data(out.form) if out.form != "table" else open_watch(out.moves, reference[:16], out.note)
    )
    try:
        async with asyncio.timeout(within):
            async for step in client.follow(reference, Until(until)):
                shown.step(step)
    except TimeoutError:
        raise WaitTimeoutError(
            f"the job is not {until} after {within} s, and goes on: `proofmesh job follow`"
        ) from None
    finally:
        shown.close()
    status = await client.show(reference)
    if status.view is not None:
        done, tasks = status.view.count(TaskState.DONE), status.view.terms.tasks
        out.note(f"the job is {status.state}: {done} of {tasks} tasks have a result")
    return outcome(status)


def outcome(status: "JobStatus") -> int:
    """Return the exit code that says how a job ended; OK while it has not."""
    from worker.client.view import TaskState

    view = status.view
    if view is None or not view.is_over or view.is_delivered:
        return Exit.OK
    if view.count(TaskState.TIED):
        return Exit.DISPUTED
    return Exit.JOB_FAILED if view.count(TaskState.FAILED) else Exit.REFUNDED


class _Data:
    """Prints steps for programs, one a line."""

    def __init__(self, form: str) -> None:
        self._mark = "" if form == "json" else "- "

    def step(self, step: "Step") -> None:
        """Print it, unless it only says that time went by."""
        if step.text:
            fields = {"block": step.block, "batch": step.batch, "step": step.text}
            click.echo(self._mark + json.dumps(fields))

    def close(self) -> None:
        """Print nothing more."""


def _summary(status: "JobStatus") -> dict[str, Any]:
    from worker.client.view import TaskState

    view, record = status.view, status.record
    return {
        "job": status.key or (record.id if record else ""),
        "name": status.name,
        "state": status.state,
        "tasks_done": view.count(TaskState.DONE) if view else 0,
        "tasks": view.terms.tasks if view else None,
        "result_delivered": status.is_delivered,
        "payment_final": status.is_paid,
        "error": record.error if record else None,
    }


def _details(status: "JobStatus") -> dict[str, Any]:
    from worker.client.lane import reserve_of
    from worker.client.view import TaskState
    from worker.client.wallet import as_tokens
    from worker.protocol.words import GWEI

    summary, view = _summary(status), status.view
    if view is None:
        return summary
    terms = view.terms
    return {
        **summary,
        **{f"tasks_{state.name.lower()}": view.count(state) for state in TaskState},
        "service": view.lane.value,
        "payer": view.payer,
        "program": view.origin.program.hex(),
        "price": as_tokens(terms.price),
        "bond": as_tokens(terms.bond * GWEI),
        "escrow": as_tokens(reserve_of(terms)),
        "spent": as_tokens(view.spent),
        "checked_by": _checked_by(view.terms, view.lane),
        "posted_at": as_time(terms.posted_at),
        "posted_in_block": view.block,
        "expires_at": as_time(terms.expiry),
    }


def _checked_by(terms: "Terms", lane: "Lane") -> str:
    """Say what stands behind a result of the job."""
    if lane == "ProvableJobs":
        audits = f"an audit of {terms.audit_bps / 100:g} % of the batches"
        return f"{audits}, then anybody's proof within {terms.challenge} s"
    return f"{terms.seats} operators that agree, up to {terms.max_seats} after a dissent"


def _batches(status: "JobStatus") -> list[dict[str, Any]]:
    from worker.client.view import TaskState
    from worker.client.wallet import as_tokens

    if status.view is None:
        return []
    return [
        {
            "batch": batch.index,
            "state": batch.state.value,
            "round": batch.round + 1,
            "price": as_tokens(batch.price),
            "operators": list(batch.seats),
            "until": None if batch.until is None else as_time(batch.until),
            "done": sum(task.state is TaskState.DONE for task in batch.tasks.values()),
            "changed_in_block": batch.changed_in,
        }
        for batch in status.view.batches
    ]


def _tasks(status: "JobStatus") -> list[dict[str, Any]]:
    if status.view is None:
        return []
    return [
        {
            "task": task.index,
            "state": task.state.value,
            "value": task.value.hex() if task.value else None,
            "operators": list(task.operators),
        }
        for task in status.view.tasks
    ]
