"""`proofmesh job cancel | accept | raise-price`: what a payer may still do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import Tokens, open_client, run, settings_option

if TYPE_CHECKING:
    from worker.config import Config

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
