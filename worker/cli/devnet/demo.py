"""The demo: two jobs on five machines' worth of processes. In the first one of them lies and one
dies; in the second one computes wrong, and is convicted by a watcher. Then an epoch ends, and a
vote is carried out."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from worker.chain.config import KeyConfig
from worker.cli.devnet import demo_economy
from worker.cli.devnet.audit import Audit
from worker.cli.devnet.demo_tensors import CIRCLE, FAULTY, ROLE, run_digits
from worker.cli.devnet.network import DELEGATOR, REQUESTER, Network, Operator, open_network
from worker.cli.output import Output
from worker.cli.watch import Watch
from worker.client import AsyncClient, ClientConfig, JobFile
from worker.client.view import JobView
from worker.client.wallet import Progress, as_tokens
from worker.errors import ConfigError, VerificationError
from worker.protocol.words import GWEI, SeatOutcome

OPERATORS, LIAR, CRASHER = 5, 2, 3
"""How many operators there are, and the numbers of the two that are not just honest."""

PARTS = {number: "honest" for number in range(1, OPERATORS + 1)}
PARTS |= {LIAR: "lies", CRASHER: "killed once", FAULTY: "broken kernel"}

_ROLES = {LIAR: ("--lie",), CRASHER: ("--die-at", "sealer.sealed"), FAULTY: ROLE}
# … which is after the seal is mined and before anything is shown.

_TILES_A_ROW = 6


@dataclass
class Account:
    """What one operator did and got."""

    operator: Operator
    tasks: int = 0
    paid: int = 0
    slashed: int = 0
    gas: int = 0

    def row(self) -> dict[str, object]:
        """Return it as a row of the table."""
        return {
            "operator": self.operator.id,
            "part": PARTS[self.operator.id],
            "tasks paid": self.tasks,
            "paid": as_tokens(self.paid),
            "slashed": as_tokens(self.slashed),
            "gas": f"{self.gas:,}",
        }


async def run_demo(root: Path, folder: Path, picture: Path, watch: Watch) -> None:
    """Run it all; raises VerificationError unless every token is accounted for."""
    purses = {DELEGATOR: demo_economy.LENT}
    opening = open_network(root, folder, OPERATORS, watch.note, [CIRCLE], purses=purses)
    async with opening as network:
        await demo_economy.lend(network, watch.note)
        await asyncio.gather(*(_start(network, one, watch) for one in network.operators))
        watch.note(
            f"{OPERATORS} workers run: number {LIAR} lies, number {CRASHER} dies after a seal"
        )
        examples = root / "examples"
        async with AsyncClient(_client_config(network)) as client:
            async with _restarting(network, network.operators[CRASHER - 1], watch):
                view = await _run_job(client, examples / "raytrace" / "job.yaml", watch)
            tiles = folder / "tiles"
            await client.fetch(view.key.hex(), tiles)
            await _assemble(root, tiles, picture)
            watch.note(f"{picture} is assembled from {view.terms.tasks} checked tiles")
            digits = await run_digits(network, client, examples / "digits", watch)
        for line in digits.lines():
            watch.note(line)
        watch.close()
        await _tell_accounts(network)
        await network.processes.stop_all()
        await demo_economy.end(network, watch.note)
        await _check(network, watch.note)


async def _start(network: Network, operator: Operator, watch: Watch) -> None:
    """Start the operator's worker in its role and wait until it is ready."""
    watch.worker(operator.id, "starting")
    await network.start(operator, *_ROLES.get(operator.id, ()))
    await network.until_ready(operator)
    watch.worker(operator.id, "ready")


@asynccontextmanager
async def _restarting(network: Network, operator: Operator, watch: Watch) -> AsyncIterator[None]:
    """Start the operator's worker again once it has died."""

    async def mend() -> None:
        await network.processes.wait(operator.name)
        watch.note(f"worker {operator.id} was killed between seal and reveal")
        watch.worker(operator.id, "starting again")
        await network.processes.kill(operator.name)
        await network.start(operator)
        await network.until_ready(operator)
        watch.worker(operator.id, "ready")

    task = asyncio.create_task(mend())
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


async def _run_job(client: AsyncClient, file: Path, watch: Watch) -> JobView:
    record = await client.submit(JobFile.load(file))
    view = None
    async for step in client.follow(record.id):
        view = step.view or view
        watch.step(step)
    if view is None:
        raise ConfigError("the job was posted, but nothing is known of it")
    return view


async def _assemble(root: Path, tiles: Path, picture: Path) -> None:
    picture.parent.mkdir(parents=True, exist_ok=True)
    script = root / "examples" / "raytrace" / "assemble.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(tiles), str(_TILES_A_ROW), str(picture)
    )
    if await process.wait() != 0:
        raise VerificationError("the tiles do not make a picture")


async def _tell_accounts(network: Network) -> None:
    accounts = await _accounts(network)
    table = Output()
    table.rows([one.row() for one in accounts], columns=list(accounts[0].row()), key="operator")


async def _check(network: Network, say: Progress) -> None:
    audit = await network.audit()
    say(_balance_line(audit))
    broken = [check.claim for check in audit.checks if not check.holds]
    if broken:
        raise VerificationError(f"invariants are broken: {', '.join(broken)}")
    say(f"{len(audit.checks)} checks of the invariants hold at block {audit.block}")


async def _accounts(network: Network) -> list[Account]:
    accounts = {operator.id: Account(operator) for operator in network.operators}
    for event in await network.events():
        if event.name == "BatchSettled":
            for seat in map(SeatOutcome.unpack, event.args["seats"]):
                account = accounts[seat.operator]
                account.paid += seat.paid
                account.slashed += seat.burnt * GWEI
                account.tasks += event.args["paid_mask"].bit_count() if seat.paid else 0
        elif event.name == "OperatorConvicted":
            accounts[event.args["operator"]].slashed += event.args["bond"] * GWEI
    for account in accounts.values():
        status = await network.status(account.operator) or {}
        account.gas = int(status.get("transactions", {}).get("gas_used", 0))
    return list(accounts.values())


def _balance_line(audit: Audit) -> str:
    """Say where every token is: what was minted is in wallets, vaults, or burnt."""
    tokens = audit.tokens
    places = ("wallets", "Staking", "Escrow", "Delegation", "burnt")
    total = sum(tokens[place] for place in places)
    parts = " + ".join(f"{as_tokens(tokens[place])} {place}" for place in places)
    verdict = "=" if total == tokens["minted"] else "≠"
    return f"every token: {parts} {verdict} {as_tokens(tokens['minted'])} minted"
