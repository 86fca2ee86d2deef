"""Send test tokens.

ape run distribute --network ethereum:sepolia:node --account deployer --amount 10000 0x… 0x…
"""

import json
from decimal import Decimal

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option
from eth_utils.address import is_address, is_checksum_address, is_checksum_formatted_address

from scripts._deployment import FOLDER, TOKEN, unlock


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--amount", type=Decimal, required=True, help="Tokens for each receiver.")
@click.argument("receivers", nargs=-1, required=True)
def cli(account, amount, receivers):  # type: ignore[no-untyped-def]
    """Send tokens from ACCOUNT to each of RECEIVERS."""
    file = FOLDER / f"{ape.chain.chain_id}.json"
    if not file.exists():
        raise click.ClickException(f"no {file}: deploy first")
    for receiver in receivers:
        mistyped = is_checksum_formatted_address(receiver) and not is_checksum_address(receiver)
        if not is_address(receiver) or mistyped:
            raise click.BadParameter(f"{receiver} is not an address")
    wei = int(amount * TOKEN)
    token = ape.project.Token.at(json.loads(file.read_text())["contracts"]["Token"]["address"])
    if token.balanceOf(account) < wei * len(receivers):
        raise click.ClickException(f"{account.address} has too few tokens")
    unlock(account)
    for receiver in receivers:
        token.transfer(receiver, wei, sender=account)
        click.echo(f"{receiver} {amount}")
