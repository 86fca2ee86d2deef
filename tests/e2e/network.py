"""A network for tests: real anvil, the real deployment script, real worker processes."""

import json
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from worker.chain.config import ChainConfig
from worker.chain.deployment import Deployment
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.anvil import Anvil, free_port, start_anvil
from worker.cli.devnet.audit import Audit, Auditor
from worker.cli.devnet.deploy import deploy
from worker.cli.devnet.processes import Processes
from worker.client import operator as owners
from worker.client.build import Build, build
from worker.client.spec import JobSpec
from worker.client.wallet import Wallet, open_wallet
from worker.protocol.words import GWEI, OnDissent, Origin, Terms
from worker.storage.locators import encode_locators
from worker.types import Gwei, JobKey, Seconds, Timestamp, Wei

ROOT = Path(__file__).parents[2]
TOKEN = 10**18
STAKE = 1_000 * TOKEN
DEPLOYER, FIRST_OWNER, FIRST_WORKER, REQUESTER = 0, 1, 8, 15


@dataclass
class Operator:
    """One operator: its number, its worker's folder and ports."""

    id: int
    folder: Path
    admin_port: int
    public_port: int

    @property
    def name(self) -> str:
        """What its worker process is called."""
        return f"worker-{self.id}"

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "config.toml"


@dataclass
class Posted:
    """A job on the chain."""

    key: JobKey
    terms: Terms
    build: Build


@dataclass
class Network:
    """A running chain with staked operators. Workers are started by the tests."""

    folder: Path
    anvil: Anvil
    deployment: Deployment
    chain: ChainConfig
    processes: Processes
    requester: Wallet
    operators: list[Operator] = field(default_factory=list)

    async def start(self, operator: Operator, *arguments: str) -> None:
        """Start the operator's worker; `arguments` turn it into another actor."""
        command = [sys.executable, "-m", "tests.e2e.actor", str(operator.settings), *arguments]
        await self.processes.start(operator.name, command, {"PYTHONPATH": str(ROOT)})

    async def status(self, operator: Operator, path: str = "status") -> dict[str, Any] | None:
        """Return what the worker's admin listener says, None while it does not answer."""
        url = f"http://127.0.0.1:{operator.admin_port}/{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                answer: dict[str, Any] = await response.json()
                return answer
        except aiohttp.ClientError:
            return None

    async def post(self, spec: JobSpec, folder: Path) -> Posted:
        """Post a job whose blobs lie as files on this machine."""
        made = build(spec, folder)
        blobs = self.folder / "blobs"
        blobs.mkdir(exist_ok=True)
        for digest, path in made.blobs.items():
            (blobs / digest.hex()).write_bytes(path.read_bytes())
        for digest, data in made.documents.items():
            (blobs / digest.hex()).write_bytes(data)
        origin = Origin(
            secrets.randbits(64), made.program, made.inputs_root, made.manifest.digest()
        )
        terms = await self._terms(made, origin)
        locators = encode_locators((f"file://{blobs}/{{digest}}",))
        permit = await self.requester.permit("Escrow", terms.escrow)
        members = (origin.nonce, origin.program, origin.inputs, origin.manifest)
        entry = await self.requester.send(
            "ReplicatedJobs", "post_job", terms.a, terms.b, terms.named, members, locators, permit
        )
        events = await self.requester.events_of(entry)
        posted = next(event.args for event in events if event.name == "JobPosted")
        full = Terms.unpack(posted["a"], posted["b"], posted["named"], terms.origin)
        return Posted(JobKey(posted["job"]), full, made)

    async def _terms(self, made: Build, origin: Origin) -> Terms:
        spec, head = made.spec, await self.requester.pool.head()
        windows = spec.windows
        length = 2 * (4 * windows.claim + windows.claim + windows.run + windows.reveal)
        return Terms(
            price=Wei(spec.price),
            bond=Gwei(spec.bond_wei // GWEI),
            tasks=len(made.rows),
            seats=spec.seats,
            max_seats=spec.most_seats,
            batch_log2=spec.batch.bit_length() - 1,
            on_dissent=OnDissent[spec.on_dissent.upper()],
            token=0,
            fee_bps=await self.requester.call("Escrow", "fee_bps"),
            claim=Seconds(windows.claim),
            run=Seconds(windows.run),
            reveal=Seconds(windows.reveal),
            expiry=Timestamp(head.timestamp + length + 1_200),
            origin=origin.digest(self.requester.address),
        )

    async def events(self, *names: str, job: bytes | None = None) -> list[Any]:
        """Return the arguments of the events of these names so far."""
        head = await self.requester.pool.head()
        auditor = Auditor(self.requester.contracts, self.requester.pool)
        found = await auditor.events(head.number)
        return [
            event.args
            for event in found
            if event.name in names and job in (None, event.args.get("job"))
        ]

    async def audit(self) -> Audit:
        """Check every invariant at the head."""
        head = await self.requester.pool.head()
        return await Auditor(self.requester.contracts, self.requester.pool).audit(head.number)


@asynccontextmanager
async def open_network(folder: Path, operators: int) -> AsyncIterator[Network]:
    """Start a chain, deploy, stake `operators`; stop everything behind it."""
    async with AsyncExitStack() as stack:
        processes = await stack.enter_async_context(Processes(folder / "logs"))
        anvil = await start_anvil(ROOT, folder / "anvil.log")
        stack.push_async_callback(anvil.stop)
        deployment = await deploy(ROOT, anvil.url, folder, folder / "deploy.log")
        chain = ChainConfig(rpc_urls=(anvil.url,), confirmations=1, poll_seconds=0.2)  # type: ignore[arg-type]
        instant = chain.model_copy(update={"confirmations": 0, "poll_seconds": 0.05})
        wallets = folder / "wallets"

        async def wallet(account: int) -> Wallet:
            signer = dev_signer(account, LOCAL_CHAIN_ID)
            return await stack.enter_async_context(
                open_wallet(deployment, instant, signer, wallets)
            )

        bank, requester = await wallet(DEPLOYER), await wallet(REQUESTER)
        network = Network(folder, anvil, deployment, chain, processes, requester)
        await bank.send("Token", "transfer", requester.address, 100_000 * TOKEN)
        for index in range(operators):
            owner = await wallet(FIRST_OWNER + index)
            await bank.send("Token", "transfer", owner.address, STAKE)
            key = dev_signer(FIRST_WORKER + index, LOCAL_CHAIN_ID)
            number = await owners.join(owner, Wei(STAKE), key)
            network.operators.append(_configure(network, number, FIRST_WORKER + index))
        await anvil.skip(2 * 60)  # weights count from the next epoch on
        await anvil.keep_time(1)
        yield network


def _configure(network: Network, number: int, account: int) -> Operator:
    operator = Operator(number, network.folder / f"worker-{number}", free_port(), free_port())
    operator.folder.mkdir()
    operator.settings.write_text(
        _SETTINGS.format(
            deployment=network.folder / "31337.json",
            data=operator.folder,
            url=network.anvil.url,
            operator=number,
            account=account,
            public=operator.public_port,
            admin=operator.admin_port,
        )
    )
    return operator


_SETTINGS = """\
deployment = "{deployment}"
data = "{data}"

[chain]
rpc_urls = ["{url}"]
confirmations = 1
poll_seconds = 0.25

[node]
operator = {operator}
public_url = "http://127.0.0.1:{public}"
patience = 4
min_free_bytes = 1000000

[node.key]
dev_account = {account}

[node.api]
public_port = {public}
admin_port = {admin}

[node.run]
parallel = 1
"""


def job_spec(**changes: Any) -> JobSpec:
    """Return the folding example's job, small; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "name": "test",
        "program": "raytrace.wasm",
        "inputs": {"scene.txt": "scene.txt"},
        "args": ["{index}", "2", "2", "48", "32"],
        "tasks": {"range": {"from": 0, "to": 4}},
        "batch": 2,
        "seats": 3,
        "max_seats": 5,
        "price": "0.5",
        "bond": "2",
        "limits": {"fuel": "500M", "memory": "32MiB", "output": "1MiB", "files": 4},
        "windows": {"claim": "12s", "run": "15s", "reveal": "15s"},
    }
    return JobSpec.model_validate_json(json.dumps(fields | changes))


def batches(posted: Posted) -> Sequence[int]:
    """Return a job's batches."""
    return range(posted.terms.batches)
