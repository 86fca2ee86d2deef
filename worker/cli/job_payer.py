"""`proofmesh job cancel | accept | raise-price | settle`: what a payer may still do."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import Tokens, open_client, run, settings_option

if TYPE_CHECKING:
    from worker.config import Config
    from worker.types import BatchIndex

_JOB = click.argument("reference", metavar="JOB")
_BATCHES = click.option("--batch", "batches", type=int, multiple=True, help="Only these batches.")


@click.command()
@_JOB
@_BATCHES
@settings_option
@output_options
def cancel(config: "Config", reference: str, batches: tuple[int, ...], out: Output) -> None:
    """End the batches that nobody works on; `credits withdraw` takes their escrow."""

    async def work() -> Sequence[int]:
        async with open_client(config) as client:
            return await client.cancel(reference, batches or None)

    out.record({"job": reference, "cancelled": list(run(work()))}, key="job")


@click.command()
@_JOB
@_BATCHES
@settings_option
@output_options
def accept(config: "Config", reference: str, batches: tuple[int, ...], out: Output) -> None:
    """Pay for results that were shown and that nobody else decides about.

    Of a job with one named seat: its operator's. Of a provable job: before the challenge is over.
    """

    async def work() -> Sequence[int]:
        async with open_client(config) as client:
            return await client.accept(reference, batches or None)

    out.record({"job": reference, "accepted": list(run(work()))}, key="job")


@click.command()
@_JOB
@_BATCHES
@settings_option
@output_options
def settle(config: "Config", reference: str, batches: tuple[int, ...], out: Output) -> None:
    """Move on the batches whose operators are late or gone.

    Operators do it by themselves, but anybody may. It tells of each batch whether it was moved on,
    or why it cannot be now. What comes back to you is taken by `credits withdraw`.
    """

    async def work() -> "Mapping[BatchIndex, str | None]":
        async with open_client(config) as client:
            return await client.settle(reference, batches or None)

    rows = [
        {"batch": batch, "moved_on": refusal is None, "why_not": refusal}
        for batch, refusal in run(work()).items()
    ]
    out.rows(rows, columns=("batch", "moved_on", "why_not"), key="batch")


@click.command("raise-price")
@_JOB
@click.argument("price", type=Tokens())
@_BATCHES
@settings_option
@output_options
def raise_price(
    config: "Config", reference: str, price: int, batches: tuple[int, ...], out: Output
) -> None:
    """Offer PRICE tokens per task and seat for the batches that found no operators."""
    from worker.client.wallet import as_tokens
    from worker.types import Wei

    async def work() -> int:
        async with open_client(config) as client:
            return await client.raise_price(reference, Wei(price), batches or None)

    out.record({"job": reference, "added_to_escrow": as_tokens(run(work()))}, key="job")
