"""`proofmesh gov`: changes to the network that its operators vote on."""

from typing import TYPE_CHECKING, Any, BinaryIO

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import open_wallet, run, settings_option
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client.governance import Proposal
    from worker.config import Config

_OPERATOR = click.option("--operator", type=int, required=True, help="Whose votes; it is yours.")
_COLUMNS = ("number", "state", "for", "against", "abstain", "quorum", "closes", "description")
_NUMBER = click.argument("number", type=click.IntRange(min=1))
_SUPPORT = click.argument("support", type=click.Choice(["for", "against", "abstain"]))


@click.group("gov")
def gov() -> None:
    """Propose changes to the network, vote on them with an operator's stake, carry them out."""


@gov.command("list")
@settings_option
@output_options
def list_(config: "Config", out: Output) -> None:
    """List all proposals, the newest first."""
    from worker.client import governance

    async def work() -> list["Proposal"]:
        async with open_wallet(config) as wallet:
            return await governance.list_proposals(wallet)

    out.rows([_row(proposal) for proposal in run(work())], columns=_COLUMNS, key="number")


@gov.command()
@_NUMBER
@settings_option
@output_options
def show(config: "Config", number: int, out: Output) -> None:
    """Show a proposal: what it would call, how the vote stands, when the next step is due."""
    from worker.client import governance

    async def work() -> "Proposal":
        async with open_wallet(config) as wallet:
            return await governance.fetch_proposal(wallet, number)

    proposal = run(work())
    calls = {"calls": [call.text for call in proposal.calls], "operator": proposal.operator}
    out.record(_row(proposal) | calls, key="state")


@gov.command()
@_OPERATOR
@click.option("--call", "texts", multiple=True, required=True, metavar="CALL",
              help="Such as 'Escrow.set_fee_bps(300)'; up to 8, made in order.")  # fmt: skip
@click.option("--because", "description", default="", help="Why, in at most 1024 characters.")
@settings_option
@output_options
def propose(
    config: "Config", operator: int, texts: tuple[str, ...], description: str, out: Output
) -> None:
    """Propose calls that the Timelock makes once a vote has passed."""
    from worker.client import governance
    from worker.client.calls import parse_call
    from worker.types import OperatorId

    async def work() -> int:
        async with open_wallet(config) as wallet:
            calls = [parse_call(wallet.contracts, text) for text in texts]
            return await governance.propose(wallet, OperatorId(operator), calls, description)

    out.record({"number": run(work())}, key="number")


@gov.command()
@_OPERATOR
@settings_option
@output_options
def sync(config: "Config", operator: int, out: Output) -> None:
    """Count what an operator has staked as votes from now on. What leaves counts off by itself."""
    from worker.client import governance
    from worker.types import OperatorId

    async def work() -> int:
        async with open_wallet(config) as wallet:
            return await governance.sync_votes(wallet, OperatorId(operator))

    out.record({"operator": operator, "votes": _votes(run(work()))}, key="votes")


@gov.command()
@_NUMBER
@_SUPPORT
@_OPERATOR
@settings_option
@output_options
def vote(config: "Config", number: int, support: str, operator: int, out: Output) -> None:
    """Vote with all that an operator had staked before voting opened."""
    from worker.client import governance
    from worker.types import OperatorId

    async def work() -> int:
        async with open_wallet(config) as wallet:
            choice = governance.Support[support.upper()]
            return await governance.vote(wallet, number, OperatorId(operator), choice)

    out.record({"number": number, "support": support, "votes": _votes(run(work()))}, key="votes")


@gov.command()
@_NUMBER
@_SUPPORT
@_OPERATOR
@settings_option
def sign(config: "Config", number: int, support: str, operator: int) -> None:
    """Sign a vote and print it as JSON; sends nothing. Anyone can bring it with `gov bring`."""
    from worker.client import ballots, governance
    from worker.types import OperatorId

    async def work() -> str:
        async with open_wallet(config) as wallet:
            choice = governance.Support[support.upper()]
            ballot = await ballots.sign(wallet, number, OperatorId(operator), choice)
            return ballot.model_dump_json()

    click.echo(run(work()))


@gov.command()
@click.argument("source", metavar="FILE", type=click.File("rb"))
@settings_option
@output_options
def bring(config: "Config", source: BinaryIO, out: Output) -> None:
    """Cast the vote in FILE that somebody signed; "-" reads it from stdin."""
    from worker.client import ballots

    ballot = ballots.Ballot.read(source.read())

    async def work() -> int:
        async with open_wallet(config) as wallet:
            return await ballots.bring(wallet, ballot)

    votes = _votes(run(work()))
    support = ballot.support.name.lower()
    out.record({"number": ballot.proposal, "support": support, "votes": votes}, key="votes")


@gov.command()
@_NUMBER
@settings_option
@output_options
def queue(config: "Config", number: int, out: Output) -> None:
    """Give a proposal that passed to the Timelock; anyone may."""
    from worker.client import governance

    async def work() -> int:
        async with open_wallet(config) as wallet:
            return await governance.queue(wallet, number)

    out.record({"number": number, "ready": as_time(run(work()))}, key="number")


@gov.command()
@_NUMBER
@settings_option
@output_options
def execute(config: "Config", number: int, out: Output) -> None:
    """Have a queued proposal's calls made, when its delay is over; anyone may."""
    from worker.client import governance

    async def work() -> None:
        async with open_wallet(config) as wallet:
            await governance.execute(wallet, number)

    run(work())
    out.record({"number": number, "state": "executed"}, key="number")


@gov.command()
@_NUMBER
@settings_option
@output_options
def cancel(config: "Config", number: int, out: Output) -> None:
    """Call your proposal off, or anybody's whose votes fell below what proposing takes."""
    from worker.client import governance

    async def work() -> None:
        async with open_wallet(config) as wallet:
            await governance.cancel(wallet, number)

    run(work())
    out.record({"number": number, "state": "canceled"}, key="number")


def _row(proposal: "Proposal") -> dict[str, Any]:
    tallies = (proposal.votes_for, proposal.votes_against, proposal.votes_abstain)
    return {
        "number": proposal.number,
        "state": proposal.state.name.lower(),
        **dict(zip(("for", "against", "abstain"), map(_votes, tallies), strict=True)),
        "quorum": _votes(proposal.quorum),
        "opens": as_time(proposal.opens_at),
        "closes": as_time(proposal.closes_at),
        "ready": as_time(proposal.ready_at) if proposal.ready_at else None,
        "description": proposal.description,
    }


def _votes(gwei: int) -> str:
    """Return votes in whole tokens of stake."""
    from worker.client.wallet import as_tokens

    return as_tokens(gwei, 9)
