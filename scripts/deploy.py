"""Deploy Proofmesh, or go on with a deployment that was cut off.

    ape run deploy --network ethereum:sepolia:node --account deployer

Parameters come from scripts/params/<network>.yaml, the result goes to deployments/<chain id>.json.
"""

from pathlib import Path

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option

from scripts._deployment import FOLDER, Deployer, DeploymentError, unlock
from scripts._params import ParamsError, load


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--params", help="Parameters of another name than the network's.")
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, help="For the result.")
def cli(account, params, folder):  # type: ignore[no-untyped-def]
    """Deploy the contracts to the connected network."""
    network = params or ape.networks.active_provider.network.name.removesuffix("-fork")
    unlock(account)
    try:
        Deployer(ape.project, account, load(network), folder).run()
    except (ParamsError, DeploymentError) as error:
        raise click.ClickException(str(error)) from error
