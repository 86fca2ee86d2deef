"""A network on this machine: a chain, the contracts, staked operators, worker processes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomlkit

from worker.chain.config import ChainConfig
from worker.chain.contracts import Event
from worker.chain.deployment import Deployment
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.admin import fetch_status
from worker.cli.devnet.anvil import Anvil, free_port, start_anvil
from worker.cli.devnet.audit import Audit, Auditor
from worker.cli.devnet.deploy import DEPLOYER, deploy
from worker.cli.devnet.processes import Processes
from worker.cli.devnet.reconcile import audit_with_workers
from worker.client import operator as owners
from worker.client.wallet import Progress, Wallet, open_wallet
from worker.config import load_config
from worker.errors import ConfigError, NotFoundError
from worker.types import Wei

TOKEN = 10**18
STAKE = 1_000 * TOKEN
PURSE = 100_000 * TOKEN
DELEGATOR, REQUESTER, WATCHER, FIRST_OWNER, FIRST_WORKER = 14, 15, 16, 20, 40
"""Which of the local chain's accounts plays whom."""

TENSOR_BACKEND = "numpy"
"""What workers compute with: to load torch would cost each of them seconds and 200 MB."""

_READY_SECONDS = 60.0
_READY_POLL_SECONDS = 0.1


Deploying = Callable[[Path, Anvil, Path, Path], Awaitable[Deployment]]
"""How the contracts come to a chain: `deploy`, or `deploy_or_load`."""


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
class Network:
    """A running chain with staked operators; their workers are started one by one."""

    folder: Path
    anvil: Anvil
    deployment: Deployment
    chain: ChainConfig
    processes: Processes
    requester: Wallet
    wallet: Callable[[int], Awaitable[Wallet]]
    """Opens the wallet of one of the local chain's accounts; it closes with the network."""

    operators: list[Operator] = field(default_factory=list)

    @property
    def deployment_file(self) -> Path:
        """What the worker and the SDK read."""
        return self.folder / f"{LOCAL_CHAIN_ID}.json"

    async def start(self, operator: Operator, *role: str) -> None:
        """Start the operator's worker; `role` is for the cast, such as "--lie"."""
        command = [sys.executable, "-m", "worker.cli.devnet.cast", str(operator.settings), *role]
        await self.processes.start(operator.name, command, {})

    async def until_ready(self, operator: Operator) -> None:
        """Wait until the operator's worker takes work. Raises ConfigError when it does not."""
        ends_at = time.monotonic() + _READY_SECONDS
        while not ((await self.status(operator)) or {}).get("ready"):
            self.processes.require_running()
            if time.monotonic() > ends_at:
                log = self.processes.log(operator.name)
                raise ConfigError(
                    f"{operator.name} is not ready after {_READY_SECONDS:g} s: see {log}"
                )
            await asyncio.sleep(_READY_POLL_SECONDS)

    async def start_watcher(self) -> None:
        """Start `proofmesh node watch` with an account that has gas money and no stake."""
        file = self.write_settings("watcher", {"wallet": {"dev_account": WATCHER}})
        command = [sys.executable, "-m", "worker", "node", "watch", "--config", str(file)]
        await self.processes.start("watcher", command, {})

    async def status(self, operator: Operator) -> dict[str, Any] | None:
        """Return what the worker's admin listener says, None while it does not answer."""
        try:
            return await fetch_status(operator.admin_port)
        except NotFoundError:
            return None

    async def events(self) -> list[Event]:
        """Return everything that the contracts have logged so far."""
        head = await self.requester.pool.head()
        return await self._auditor.events(head.number)

    async def audit(self, *workers: Operator) -> Audit:
        """Check every invariant at the head, and the databases of these workers against it."""
        wallet = self.requester
        settings = [load_config(operator.settings) for operator in workers]
        return await audit_with_workers(wallet.contracts, wallet.pool, settings)

    def write_requester_settings(self) -> Path:
        """Write settings for the command line that pay from the requester's account."""
        return self.write_settings("requester", {"wallet": {"dev_account": REQUESTER}})

    def write_settings(self, name: str, more: Mapping[str, Any]) -> Path:
        """Write settings with `more` than the network, and a folder for data, both called `name`;
        return the file."""
        file = self.folder.resolve() / f"{name}.toml"
        settings = {
            "deployment": str(self.deployment_file.resolve()),
            "data": str(self.folder.resolve() / name),
            "chain": self.chain.model_dump(mode="json", exclude_defaults=True),
            "fetch": {"file_roots": [str(self.folder.resolve())]},
            "watch": {"tensor": {"backend": TENSOR_BACKEND}},
            **more,
        }
        file.write_text(tomlkit.dumps(settings))
        return file

    @property
    def _auditor(self) -> Auditor:
        return Auditor(self.requester.contracts, self.requester.pool)


@asynccontextmanager
async def open_network(
    root: Path,
    folder: Path,
    operators: int,
    progress: Progress = lambda _: None,
    circles: Sequence[Sequence[int]] = (),
    stakes: Sequence[int] = (),
    purses: Mapping[int, int] = MappingProxyType({}),
    deploying: Deploying = deploy,
) -> AsyncIterator[Network]:
    """Start a chain, deploy from the checkout `root`, stake `operators`; stop all behind it.

    `circles` are the groups of operators in which each of their members takes work. `stakes` are
    what they stake, in wei of tokens, the usual where nothing is said; `purses` what accounts of
    the local chain are given beside the requester. Who needs many networks brings the contracts
    there by `deploy_or_load`.
    """
    processes = Processes(folder / "logs")
    async with AsyncExitStack() as stack:
        anvil = await start_anvil(root, folder / "anvil.log")
        stack.push_async_callback(anvil.stop)
        await stack.enter_async_context(processes)  # the workers end before their chain
        progress(f"chain {LOCAL_CHAIN_ID} runs at {anvil.url}; ape deploys the contracts")
        deployment = await deploying(root, anvil, folder, folder / "deploy.log")
        progress(f"{len(deployment.contracts)} contracts are deployed; operators stake")
        chain = ChainConfig.model_validate(
            {"rpc_urls": [anvil.url], "confirmations": 1, "poll_seconds": 0.25}
        )
        instant = chain.model_copy(update={"confirmations": 0, "poll_seconds": 0.05})

        opened: dict[int, Wallet] = {}

        async def wallet(account: int) -> Wallet:
            if account not in opened:
                signer = dev_signer(account, LOCAL_CHAIN_ID)
                opening = open_wallet(deployment, instant, signer, folder / "wallets")
                opened[account] = await stack.enter_async_context(opening)
            return opened[account]

        bank, requester = await wallet(DEPLOYER), await wallet(REQUESTER)
        network = Network(folder, anvil, deployment, chain, processes, requester, wallet)
        for account, purse in {REQUESTER: PURSE, **purses}.items():
            receiver = dev_signer(account, LOCAL_CHAIN_ID).address
            await bank.send("Token", "transfer", receiver, purse)
        owned = []
        for index, stake in enumerate(stakes or [STAKE] * operators):
            owner = await wallet(FIRST_OWNER + index)
            await bank.send("Token", "transfer", owner.address, stake)
            number = await owners.stake(owner, Wei(stake))  # one by one: this numbers them
            network.operators.append(_configure(network, number, FIRST_WORKER + index, circles))
            key = dev_signer(FIRST_WORKER + index, LOCAL_CHAIN_ID)
            owned.append(owners.join(owner, Wei(0), key, number))
        await asyncio.gather(*owned)
        total = sum(stakes) or STAKE * operators
        progress(f"{operators} operators have staked {total // TOKEN} tokens; workers start")
        epoch = await bank.call("Staking", "epoch_length")
        await anvil.skip(2 * epoch)  # weights count from the next epoch on
        await anvil.keep_time()
        yield network


def _configure(
    network: Network, number: int, account: int, circles: Sequence[Sequence[int]]
) -> Operator:
    operator = Operator(number, network.folder / f"worker-{number}", free_port(), free_port())
    operator.folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "deployment": str(network.deployment_file.resolve()),
        "data": str(operator.folder.resolve()),
        "chain": network.chain.model_dump(mode="json", exclude_defaults=True),
        "fetch": {"file_roots": [str(network.folder.resolve())]},
        "node": {
            "operator": number,
            "public_url": f"http://127.0.0.1:{operator.public_port}",
            "patience": 4,
            "min_free_bytes": 1_000_000,
            "key": {"dev_account": account},
            "api": {"public_port": operator.public_port, "admin_port": operator.admin_port},
            "run": {"parallel": 1},
            "tensor": {"backend": TENSOR_BACKEND},
            "policy": {"circles": [list(circle) for circle in circles]},
        },
    }
    operator.settings.write_text(tomlkit.dumps(settings))
    return operator
