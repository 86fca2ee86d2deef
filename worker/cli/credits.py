"""`proofmesh credits`: what Escrow owes, and taking it."""

from typing import TYPE_CHECKING

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import open_wallet, run, settings_option

if TYPE_CHECKING:
    from worker.config import Config

_TOKEN = click.option("--token", type=int, default=0, show_default=True, help="The token's index.")
_OPERATOR = click.option("--operator", type=int, help="An operator's earnings, not the wallet's.")


@click.group("credits")
def credits() -> None:
    """What Escrow owes you: refunds to a requester's wallet, earnings of an operator."""


@credits.command()
@_TOKEN
@_OPERATOR
@settings_option
@output_options
def show(config: "Config", token: int, operator: int | None, out: Output) -> None:
    """Show what can be withdrawn."""
    from worker.client.wallet import as_tokens

    async def work() -> tuple[str, int]:
        async with open_wallet(config) as wallet:
            if operator is None:
                owed = await wallet.call("Escrow", "credit_of", wallet.address, token)
                return str(wallet.address), owed
            return str(operator), await wallet.call("Escrow", "operator_credit", operator, token)

    owner, amount = run(work())
    record = {"owner": owner, "token": token, "credit": as_tokens(amount), "wei": amount}
    out.record(record, key="wei")


@credits.command()
@_TOKEN
@_OPERATOR
@settings_option
@output_options
def withdraw(config: "Config", token: int, operator: int | None, out: Output) -> None:
    """Take everything out: to the wallet, or to the operator's owner."""

    async def work() -> str:
        async with open_wallet(config) as wallet:
            if operator is None:
                entry = await wallet.send("Escrow", "withdraw", token)
            else:
                entry = await wallet.send("Escrow", "withdraw_operator", operator, token)
            return "0x" + entry.attempts[-1].hash.hex()

    out.record({"transaction": run(work())}, key="transaction")
