"""`proofmesh node earnings | collect`: what came in, what it cost, and what is still to fetch."""

from typing import TYPE_CHECKING, Any

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import run, settings_option
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client.earnings import Earnings, Emission, JobIncome
    from worker.config import Config

_COLUMNS = ("job", "service", "token", "batches", "paid", "fee", "net", "burnt", "gas")


@click.command()
@click.option("--by-job", is_flag=True, help="A row for each job instead.")
@settings_option
@output_options
def earnings(config: "Config", by_job: bool, out: Output) -> None:
    """Show the operator's income, fees, emission, slashes, and its worker's gas.

    Jobs and gas are told by this machine's worker, which may be running; the rest by the chain.
    """
    found = run(_fetch(config))
    if by_job:
        out.rows([_row(one) for one in found.jobs], columns=_COLUMNS, key="job")
    else:
        out.record(_account(found), key="net")


@click.command()
@click.option("--compound", is_flag=True, help="Stake what comes to the owner by it.")
@settings_option
@output_options
def collect(config: "Config", compound: bool, out: Output) -> None:
    """Take what Escrow owes the operator, have fees divided and epochs closed, and claim the
    emission that has vested.

    The worker does it too, each step once it pays; to stake the income takes the owner's key.
    """
    from worker.cli.runtime import open_wallet
    from worker.client import rewards
    from worker.client.wallet import as_tokens
    from worker.types import OperatorId

    operator = OperatorId(config.require_node().operator)

    async def work() -> dict[str, Any]:
        async with open_wallet(config) as wallet:
            minted, came = await rewards.collect(wallet, operator, out.note)
            staked = await rewards.compound(wallet, operator, came) if compound else 0
        amounts = {"minted": minted, "came": came, "staked": staked}
        return {name: as_tokens(amount) for name, amount in amounts.items()}

    out.record({"operator": operator} | run(work()), key="came")


async def _fetch(config: "Config") -> "Earnings":
    from worker.chain.contracts import Contracts
    from worker.chain.deployment import Deployment
    from worker.chain.endpoints import RpcPool
    from worker.client.earnings import fetch_earnings
    from worker.client.network import Network
    from worker.errors import NotFoundError
    from worker.storage.database import Database
    from worker.types import OperatorId

    operator = OperatorId(config.require_node().operator)
    deployment, file = Deployment.load(config.deployment), config.data / "worker.sqlite"
    if not file.exists():
        raise NotFoundError(f"no worker has run here: there is no {file}")
    async with RpcPool(config.chain, deployment.identity) as pool:
        network = Network(pool, Contracts(deployment, pool))
        with Database.snapshot(file) as database:
            return await fetch_earnings(network, database, operator)


def _account(found: "Earnings") -> dict[str, Any]:
    """Return the account; amounts of jobs are those in the network token."""
    from worker.client.wallet import as_tokens
    from worker.protocol.words import NETWORK_TOKEN

    jobs = [job for job in found.jobs if job.token == NETWORK_TOKEN]
    return {
        "jobs": len(found.jobs),
        "paid": as_tokens(sum(job.paid for job in jobs)),
        "fee": as_tokens(sum(job.fee for job in jobs)),
        "net": as_tokens(sum(job.net for job in jobs)),
        "paid_out": as_tokens(found.paid_out),
        "waiting_in_escrow": as_tokens(found.waiting),
        "of_delegators": as_tokens(found.to_delegators),
        "fees_burnt": as_tokens(found.fees_burnt),
        "emission_claimed": as_tokens(found.minted),
        "emission_to_come": [_emission(one) for one in found.emissions if not one.is_claimed],
        "slashed": as_tokens(found.slashed),
        "slashed_of_delegators": as_tokens(found.pool_slashed),
        "gas": as_tokens(found.gas),
    }


def _emission(emission: "Emission") -> str:
    from worker.client.wallet import as_tokens

    if not emission.vests_at:
        return f"epoch {emission.epoch}: not closed yet"
    amount, when = as_tokens(emission.amount), as_time(emission.vests_at)
    return f"epoch {emission.epoch}: {amount} from {when}"


def _row(job: "JobIncome") -> dict[str, Any]:
    from worker.client.wallet import as_tokens

    return {
        "job": "0x" + job.job.hex(),
        "service": job.service,
        "token": job.token,
        "batches": job.batches,
        "paid": as_tokens(job.paid),
        "fee": as_tokens(job.fee),
        "net": as_tokens(job.net),
        "burnt": as_tokens(job.burnt),
        "gas": as_tokens(job.gas),
    }
