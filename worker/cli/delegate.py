"""`proofmesh delegate`: lend stake to operators and earn with them."""

import sys
from typing import TYPE_CHECKING, Any

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import Tokens, open_wallet, run, settings_option
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client.delegation import Pool, Position
    from worker.config import Config
    from worker.types import OperatorId

_OPERATOR = click.argument("operator", type=click.IntRange(1, 2**24 - 1))
_COLUMNS = ("operator", "commission", "own_stake", "delegated", "weight", "yours", "leaving",
            "claimable", "lost")  # fmt: skip


@click.group("delegate")
def delegate() -> None:
    """Lend stake to operators: it earns a part of their income and is slashed behind their own."""


@delegate.command()
@_OPERATOR
@click.argument("amount", type=Tokens())
@click.option("--dry-run", is_flag=True, help="Show the pool and what it would buy; send nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before delegating.")
@settings_option
@output_options
def to(config: "Config", operator: int, amount: int, dry_run: bool, yes: bool, out: Output) -> None:
    """Delegate AMOUNT tokens to OPERATOR.

    It weighs and votes with the operator at once, and earns from then on.
    """
    from worker.cli.exits import Exit
    from worker.client import delegation
    from worker.types import Wei

    asks = not yes and not dry_run and sys.stdin.isatty() and out.is_interactive

    async def work() -> int:
        async with open_wallet(config) as wallet:
            pool = await delegation.fetch_pool(wallet, _id(operator))
            await delegation.check_delegation(wallet, pool, Wei(amount))
            if dry_run or asks:
                out.record(_quote(pool, amount), key="shares")
                if dry_run:
                    return Exit.OK
                if not click.confirm(f"Delegate to operator {operator}?", err=True):
                    return Exit.WALLET
            shares = await delegation.delegate(wallet, pool, Wei(amount))
            done = {"operator": operator, "delegated": _wei(amount), "shares": shares}
            out.record(done, key="shares")
            return Exit.OK

    if code := run(work()):
        raise click.exceptions.Exit(code)


@delegate.command()
@_OPERATOR
@click.argument("amount", type=Tokens(), required=False)
@click.option("--all", "whole", is_flag=True, help="All that you have delegated.")
@click.option("--withdraw", is_flag=True, help="Take out what has matured.")
@settings_option
@output_options
def leave(
    config: "Config", operator: int, amount: int | None, whole: bool, withdraw: bool, out: Output
) -> None:
    """Queue AMOUNT tokens for exit. They earn no longer, and stay slashable until withdrawn."""
    from worker.client import delegation
    from worker.types import Wei

    if amount is not None and whole:
        raise click.UsageError("give an amount or --all, not both")
    if amount is None and not whole and not withdraw:
        raise click.UsageError("give an amount, --all or --withdraw")

    async def work() -> dict[str, Any]:
        done: dict[str, Any] = {"operator": operator}
        async with open_wallet(config) as wallet:
            if amount is not None or whole:
                position = await delegation.fetch_position(wallet, _id(operator))
                part = None if whole or amount is None else Wei(amount)
                matures_at = await delegation.leave(wallet, position, part)
                done["withdrawable_at"] = as_time(matures_at)
            if withdraw:
                done["withdrawn"] = _wei(await delegation.withdraw(wallet, _id(operator)))
        return done

    out.record(run(work()), key="operator")


@delegate.command()
@click.option("--all", "every", is_flag=True, help="Every pool, yours or not.")
@settings_option
@output_options
def show(config: "Config", every: bool, out: Output) -> None:
    """Show what you delegated, what of it leaves, and what you can claim."""
    from worker.client import delegation

    async def work() -> list["Position"]:
        async with open_wallet(config) as wallet:
            return await delegation.fetch_positions(wallet, every)

    rows = [_row(one) for one in run(work()) if every or not one.is_empty]
    out.rows(rows, columns=_COLUMNS, key="operator")


@delegate.command()
@click.argument("operators", type=click.IntRange(1, 2**24 - 1), nargs=-1)
@click.option("--compound", is_flag=True, help="Delegate it again where it came from.")
@settings_option
@output_options
def claim(config: "Config", operators: tuple[int, ...], compound: bool, out: Output) -> None:
    """Take your part of what OPERATORS earned, of all where you delegated by default."""
    from worker.client import delegation

    async def work() -> list[dict[str, Any]]:
        async with open_wallet(config) as wallet:
            chosen = [_id(number) for number in operators]
            if not chosen:
                positions = await delegation.fetch_positions(wallet)
                chosen = [one.pool.operator for one in positions if not one.is_empty]
            rows = []
            for operator, amount in (await delegation.claim(wallet, chosen)).items():
                again = await delegation.compound(wallet, operator, amount) if compound else 0
                came = {"operator": operator, "claimed": _wei(amount)}
                rows.append(came | {"delegated_again": _wei(again)})
            return rows

    rows = run(work())
    if not rows:
        out.note("there is nothing to claim")
    out.rows(rows, columns=("operator", "claimed", "delegated_again"), key="operator")


def _quote(pool: "Pool", amount: int) -> dict[str, Any]:
    """Return what a person should know before delegating."""
    from worker.types import Wei

    return _about(pool) | {
        "amount": _wei(amount),
        "counts": _wei(min(amount, pool.room * 10**9)),
        "shares": pool.shares_for(Wei(amount)),
    }


def _about(pool: "Pool") -> dict[str, Any]:
    return {
        "operator": pool.operator,
        "commission": _percent(pool.commission_bps),
        "next_commission": None
        if pool.next_bps == pool.commission_bps
        else {"from": as_time(pool.binds_at), "share": _percent(pool.next_bps)},
        "own_stake": _gwei(pool.own),
        "delegated": _gwei(pool.active),
        "weight": pool.weight,
        "convicted": as_time(pool.convicted_at) if pool.convicted_at else None,
    }


def _row(position: "Position") -> dict[str, Any]:
    exits = as_time(position.matures_at) if position.matures_at else None
    return _about(position.pool) | {
        "yours": _gwei(position.staying),
        "leaving": _gwei(position.exiting),
        "withdrawable_at": exits,
        "claimable": _wei(position.claimable),
        "lost": position.is_lost,
    }


def _id(number: int) -> "OperatorId":
    from worker.types import OperatorId

    return OperatorId(number)


def _wei(amount: int) -> str:
    from worker.client.wallet import as_tokens

    return as_tokens(amount)


def _gwei(amount: int) -> str:
    from worker.client.wallet import as_tokens

    return as_tokens(amount, 9)


def _percent(bps: int) -> str:
    return f"{bps / 100:g}%"
