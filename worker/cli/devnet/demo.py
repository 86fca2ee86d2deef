"""The demo: a job on five machines' worth of processes, one of which lies and one of which dies."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker.chain.config import KeyConfig
from worker.cli.devnet.audit import Audit
from worker.cli.devnet.network import REQUESTER, Network, Operator, open_network
from worker.cli.output import Output
from worker.client import AsyncClient, ClientConfig, JobFile
from worker.client.view import JobView
from worker.client.wallet import Progress, as_tokens
from worker.errors import ConfigError, VerificationError
from worker.protocol.words import GWEI, SeatOutcome

OPERATORS, LIAR, CRASHER = 5, 1, 2
DIES_AT = "sealer.sealed"  # after the seal is mined, before anything is shown
TILES_A_ROW = 6
_READY_SECONDS = 60.0


@dataclass
class Account:
    """What one operator did and got."""

    operator: Operator
    role: str
    tasks: int = 0
    paid: int = 0
    slashed: int = 0
    gas: int = 0

    def row(self) -> dict[str, object]:
        """Return it as a row of the table."""
        return {
            "operator": self.operator.id,
            "role": self.role,
            "tasks paid": self.tasks,
            "paid": as_tokens(self.paid),
            "slashed": as_tokens(self.slashed),
            "gas": f"{self.gas:,}",
        }


async def run_demo(root: Path, folder: Path, picture: Path, say: Progress) -> None:
    """Run it all; raises VerificationError unless every token is accounted for."""
    async with open_network(root, folder, OPERATORS, say) as network:
        await _start_workers(network)
        say(
            f"5 workers run: number {LIAR + 1} lies, number {CRASHER + 1} dies after its first seal"
        )
        async with (
            _restarting(network, network.operators[CRASHER], say),
            AsyncClient(_client_config(network)) as client,
        ):
            view = await _run_job(client, root / "examples" / "raytrace" / "job.yaml", say)
            tiles = folder / "tiles"
            await client.fetch(view.key.hex(), tiles)
        await _assemble(root, tiles, picture)
        say(f"{picture} is assembled from {view.terms.tasks} checked tiles")
        await _report(network, say)


async def _start_workers(network: Network) -> None:
    for index, operator in enumerate(network.operators):
        role = {LIAR: ["--lie"], CRASHER: ["--die-at", DIES_AT]}.get(index, [])
        await network.start(operator, *role)
    async with asyncio.timeout(_READY_SECONDS):
        for operator in network.operators:
            while not ((await network.status(operator)) or {}).get("ready"):
                network.processes.require_running()
                await asyncio.sleep(0.1)


@asynccontextmanager
async def _restarting(network: Network, operator: Operator, say: Progress) -> AsyncIterator[None]:
    """Start the operator's worker again once it has died."""

    async def watch() -> None:
        await network.processes.wait(operator.name)
        say(f"worker {operator.id} was killed between seal and reveal; it starts again")
        await network.processes.kill(operator.name)
        await network.start(operator)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _client_config(network: Network) -> ClientConfig:
    return ClientConfig(
        deployment=network.deployment_file,
        chain=network.chain,
        data=network.folder / "requester",
        wallet=KeyConfig(dev_account=REQUESTER),
    )


async def _run_job(client: AsyncClient, file: Path, say: Progress) -> JobView:
    record = await client.submit(JobFile.load(file))
    view = None
    async for step in client.follow(record.id):
        view = step.view or view
        if step.text:
            where = "" if step.batch is None else f"batch {step.batch}: "
            say(f"block {step.block}  {where}{step.text}")
    if view is None:
        raise ConfigError("the job was posted, but nothing is known of it")
    return view


async def _assemble(root: Path, tiles: Path, picture: Path) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    script = root / "examples" / "raytrace" / "assemble.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(tiles), str(TILES_A_ROW), str(picture)
    )
    if await process.wait() != 0:
        raise VerificationError("the tiles do not make a picture")


async def _report(network: Network, say: Progress) -> None:
    accounts = await _accounts(network)
    table = Output()
    table.rows([one.row() for one in accounts], columns=list(accounts[0].row()), key="operator")
    audit = await network.audit()
    say(_balance_line(audit))
    broken = [check.claim for check in audit.checks if not check.holds]
    if broken:
        raise VerificationError(f"invariants are broken: {', '.join(broken)}")
    say(f"{len(audit.checks)} checks of the invariants hold at block {audit.block}")


async def _accounts(network: Network) -> list[Account]:
    roles = {LIAR: "liar", CRASHER: "killed once"}
    accounts = {
        operator.id: Account(operator, roles.get(index, "honest"))
        for index, operator in enumerate(network.operators)
    }
    for event in await network.events():
        if event.name == "BatchSettled":
            for seat in map(SeatOutcome.unpack, event.args["seats"]):
                account = accounts[seat.operator]
                account.paid += seat.paid
                account.slashed += seat.burnt * GWEI
                account.tasks += event.args["paid_mask"].bit_count() if seat.paid else 0
    for account in accounts.values():
        status = await network.status(account.operator) or {}
        account.gas = int(status.get("transactions", {}).get("gas_used", 0))
    return list(accounts.values())


def _balance_line(audit: Audit) -> str:
    """Say where every token is: what was minted is in wallets, vaults, or burnt."""
    tokens = audit.tokens
    places = ("wallets", "Staking", "Escrow", "burnt")
    total = sum(tokens[place] for place in places)
    parts = " + ".join(f"{as_tokens(tokens[place])} {place}" for place in places)
    verdict = "=" if total == tokens["minted"] else "≠"
    return f"every token: {parts} {verdict} {as_tokens(tokens['minted'])} minted"
