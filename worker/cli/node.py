"""`proofmesh node`: stake and run a worker."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.node_earnings import collect, earnings
from worker.cli.output import Output, output_options
from worker.cli.runtime import Key, Share, Tokens, ask_password, open_wallet, run, settings_option

if TYPE_CHECKING:
    from worker.chain.keys import Signer
    from worker.config import Config


@click.group("node")
def node() -> None:
    """Stake and run a worker."""


node.add_command(earnings)
node.add_command(collect)


@node.command()
@click.option("--rpc", multiple=True, required=True, help="An RPC endpoint; give two or more.")
@click.option("--deployment", required=True, type=click.Path(exists=True, path_type=Path),
              help="The network's deployment file.")  # fmt: skip
@click.option("--public-url", required=True, help="Where others reach this worker.")
@click.option("--keystore", type=click.Path(path_type=Path), help="A worker key that exists.")
@click.option("--password-file", type=click.Path(exists=True, path_type=Path))
@click.option("--owner", type=click.Path(exists=True, path_type=Path), help="The owner's keystore.")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Another settings file.")
@output_options
def init(
    rpc: tuple[str, ...],
    deployment: Path,
    public_url: str,
    keystore: Path | None,
    password_file: Path | None,
    owner: Path | None,
    file: Path | None,
    out: Output,
) -> None:
    """Write the settings of a worker, with a new worker key where none is given."""
    from worker.cli.settings import write
    from worker.config import config_file
    from worker.errors import UsageError

    path = file or config_file()
    key = keystore or path.parent / "worker.json"
    if not keystore and key.exists():
        raise UsageError(f"there is a worker key in {key} already: give it with --keystore")
    changes: dict[str, Any] = {
        "deployment": str(deployment.resolve()),
        "chain.rpc_urls": list(rpc),
        "node.key.keystore": str(key.resolve()),
        "node.public_url": public_url,
    }
    if password_file:
        changes["node.key.password_file"] = str(password_file.resolve())
    if owner:
        changes["wallet.keystore"] = str(owner.resolve())
    write(path, changes)
    if not keystore:
        _new_key(key, password_file)
    out.note(
        "next: send gas money to the worker key, then `proofmesh node stake` and `node doctor`"
    )
    out.record({"settings": path, "worker_key": _address_in(key)}, key="worker_key")


@node.command()
@click.argument("amount", type=Tokens(), default=0)
@click.option("--service", "services", multiple=True,
              type=click.Choice(["ReplicatedJobs", "ProvableJobs"]),
              help="Opt in to this service only; may be repeated. All, unless given.")  # fmt: skip
@settings_option
@output_options
def stake(config: "Config", amount: int, services: tuple[str, ...], out: Output) -> None:
    """Stake AMOUNT tokens with the owner's key, name the worker key and opt in.

    Without an amount it only mends what is missing. The first time a new operator is made and its
    number kept in the settings.
    """
    from worker.client import operator as operators
    from worker.types import OperatorId, Wei

    async def work() -> int:
        async with open_wallet(config) as wallet:
            known = config.require_node().operator
            number = OperatorId(known) if known else None
            key = _worker_key(config)
            chosen = services or None
            return await operators.join(wallet, Wei(amount), key, number, out.note, chosen)

    number = run(work())
    if number != config.require_node().operator:
        _remember_operator(number)
    out.record({"operator": number}, key="operator")


@node.command()
@click.argument("amount", type=Tokens(), required=False)
@click.option("--leave", is_flag=True, help="Also stop new jobs and free the standing bond later.")
@click.option("--withdraw", is_flag=True, help="Take out what has matured.")
@settings_option
@output_options
def unstake(config: "Config", amount: int | None, leave: bool, withdraw: bool, out: Output) -> None:
    """Queue AMOUNT tokens for exit; they stay slashable until they are withdrawn."""
    from worker.cli.times import as_time
    from worker.client import operator as operators
    from worker.types import OperatorId, Wei

    if amount is None and not leave and not withdraw:
        raise click.UsageError("give an amount, --leave or --withdraw")
    number = OperatorId(_require_operator(config))

    async def work() -> dict[str, str]:
        done: dict[str, str] = {"operator": str(number)}
        async with open_wallet(config) as wallet:
            if leave:
                done["bond_free_at"] = as_time(await operators.leave(wallet, number))
            if amount is not None:
                matures_at = await operators.unstake(wallet, number, Wei(amount))
                done["withdrawable_at"] = as_time(matures_at)
            if withdraw:
                await operators.withdraw_stake(wallet, number)
                done["withdrawn"] = "yes"
        return done

    out.record(run(work()), key="operator")


@node.command()
@click.argument("commission", type=Share())
@settings_option
@output_options
def pool(config: "Config", commission: int, out: Output) -> None:
    """Let others delegate to you, and keep COMMISSION of what their part earns, such as 10%.

    A pool cannot be closed again. Another commission binds 7 days later.
    """
    from worker.cli.times import as_time
    from worker.client import delegation
    from worker.client import operator as operators
    from worker.types import OperatorId, Wei

    number = OperatorId(_require_operator(config))

    async def work() -> int:
        async with open_wallet(config) as wallet:
            binds_at = await delegation.open_pool(wallet, number, commission)
            key = _worker_key(config)  # may lock more from now on
            await operators.join(wallet, Wei(0), key, number, out.note)
            return binds_at

    binds = as_time(run(work()))
    out.record({"operator": number, "commission": f"{commission / 100:g}%", "from": binds},
               key="operator")  # fmt: skip


@node.command()
@settings_option
def start(config: "Config") -> None:
    """Run the worker until SIGTERM, which drains it: no new work, finish, reveal, exit."""
    import sys

    from worker import app, logs

    logs.configure("console" if sys.stderr.isatty() else "json")
    run(app.run(config))


@node.command()
@click.option("--job", "jobs", multiple=True, type=Key(), help="Only this job; repeatable.")
@click.option("--program", "programs", multiple=True, type=Key(),
              help="Only jobs of this tensor program; repeatable.")  # fmt: skip
@click.option("--once", is_flag=True, help="End when all there is was checked and convicted.")
@settings_option
def watch(
    config: "Config", jobs: tuple[bytes, ...], programs: tuple[bytes, ...], once: bool
) -> None:
    """Run provable jobs again and convict who opened something wrong.

    Needs no stake: the wallet's key pays the gas and is paid the bounties. One line for each
    result checked; runs until SIGTERM or Ctrl-C.
    """
    import sys

    from worker import logs
    from worker.app import watch as watching

    logs.configure("console" if sys.stderr.isatty() else "json")
    scope = watching.Scope(frozenset(jobs), frozenset(programs))
    run(watching.run(config, scope, tell=click.echo, ask_password=ask_password, is_once=once))


@node.command()
@settings_option
@output_options
def status(config: "Config", out: Output) -> None:
    """Show what the running worker does, from its admin port."""
    from worker.cli.admin import fetch_status

    shown = run(fetch_status(config.require_node().api.admin_port))
    out.record(shown, key="ready")


@node.command()
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="Seconds to wait.")
@settings_option
def drain(config: "Config", timeout: float) -> None:
    """Ask the running worker to take no new work, and wait until it has ended."""
    from worker.cli.admin import drain_process

    drain_process(config.data, _worker_key(config).address, timeout)
    click.echo("the worker has ended", err=True)


@node.command()
@settings_option
def rescan(config: "Config") -> None:
    """Read the chain anew at the next start, after a reorganisation that stopped the worker.

    What was read is forgotten; seats, records and transactions stay. Look first: blocks that
    counted as final are gone.
    """
    from worker.storage.cursor import CursorStore
    from worker.storage.database import Database
    from worker.storage.demands import DemandStore
    from worker.storage.jobs import JobStore
    from worker.storage.lock import KeyLock

    with KeyLock(config.data, _worker_key(config).address):
        database = Database(config.data / "worker.sqlite")
        with database.transaction():
            JobStore(database).undo_above(-1)
            DemandStore(database).undo_above(-1)
            CursorStore(database).forget_above(-1)
        database.close()
    click.echo("the next start reads the chain anew", err=True)


@node.command()
@settings_option
@output_options
def doctor(config: "Config", out: Output) -> None:
    """Check everything that a worker needs; exits 1 when something is wrong."""
    from worker.cli.doctor import examine

    findings = run(examine(config))
    rows = [finding.row() for finding in findings]
    out.rows(rows, columns=["check", "state", "detail"], key="check", title="node doctor")
    if any(finding.is_wrong for finding in findings):
        raise click.exceptions.Exit(1)


def _require_operator(config: "Config") -> int:
    from worker.errors import UnbondedError

    number = config.require_node().operator
    if not number:
        raise UnbondedError("there is no operator yet: `proofmesh node stake` makes one")
    return number


def _worker_key(config: "Config") -> "Signer":
    from worker.chain.deployment import Deployment
    from worker.chain.keys import open_signer

    chain_id = Deployment.load(config.deployment).chain_id
    return open_signer(config.require_node().key, chain_id, ask_password)


def _new_key(path: Path, password_file: Path | None) -> None:
    from worker.chain.keys import PASSWORD_VARIABLE, new_signer, read_password, save_keystore

    def ask() -> str:
        answer: str = click.prompt(
            "Password for the new worker key", hide_input=True, confirmation_prompt=True, err=True
        )
        return answer

    save_keystore(path, new_signer(), read_password(password_file, PASSWORD_VARIABLE, ask))


def _address_in(keystore: Path) -> str:
    import json

    from eth_utils.address import to_checksum_address

    return to_checksum_address(json.loads(keystore.read_text())["address"])


def _remember_operator(number: int) -> None:
    from worker.cli.settings import write
    from worker.config import config_file

    context = click.get_current_context()
    write(context.params.get("file") or config_file(), {"node.operator": number})
