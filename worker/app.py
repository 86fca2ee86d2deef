"""The composition root: opens what a worker needs, wires its services, runs them, closes all."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import REGISTRY

from worker.api.blobs import BlobRoutes
from worker.api.openings import OpeningRoutes
from worker.api.places import Places
from worker.api.quota import UploadQuota, allowance
from worker.api.results import ResultRoutes
from worker.api.routes import AdminRoutes
from worker.api.server import ApiServer, Routes
from worker.api.uploads import UploadRoutes, UploadTerms
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.events import LogScanner
from worker.chain.keys import LOCAL_CHAIN_ID, Signer, open_signer
from worker.chain.sender import Sender
from worker.config import Config, NodeConfig
from worker.errors import UnbondedError
from worker.executors.base import Executor
from worker.executors.wasm import open_executor
from worker.health import Health
from worker.protocol.uploads import Upload, UploadDomain
from worker.services.announcer import Announcer
from worker.services.base import StepHook, no_hook
from worker.services.caretaker import Caretaker
from worker.services.claimer import Claimer
from worker.services.desk import Desk, Identity
from worker.services.load import Load, bond_trouble, lockable
from worker.services.openings import Openings
from worker.services.outputs import Outputs
from worker.services.peers import Peers
from worker.services.preparer import PrepareService
from worker.services.report import build_status
from worker.services.revealer import Revealer
from worker.services.rounds import SERVICE, ChainView
from worker.services.runner import Runner
from worker.services.sealer import Sealer
from worker.services.sending import Sending
from worker.services.settler import Settler
from worker.services.watcher import Watcher
from worker.storage.blobs import BlobStore
from worker.storage.database import Database
from worker.storage.fetch import Fetcher
from worker.storage.http import GuardedHttp, Speed
from worker.storage.jobs import JobStore
from worker.storage.lock import HostLock, KeyLock
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import SeatStore
from worker.storage.uploads import UploadStore
from worker.types import OperatorId, Seconds
from worker.work.prepare import Preparer

log = structlog.get_logger(__name__)

_STALE_POLLS = 30  # polls without a new block until the head counts as stale


@dataclass(frozen=True)
class Ground:
    """What the services stand on; opened by `open_ground`, closed behind it."""

    config: Config
    node: NodeConfig
    pool: RpcPool
    http: GuardedHttp
    database: Database
    blobs: BlobStore
    signer: Signer
    executor: Executor
    desk: Desk
    health: Health


@asynccontextmanager
async def open_ground(config: Config, executor: Executor | None = None) -> AsyncIterator[Ground]:
    """Open everything, in an order in which a mistake is found before anything is changed.

    Raises ConfigError, KeyInUseError, WrongChainError, UnbondedError, StoreCorruptError.
    """
    node = config.require_node()
    deployment = Deployment.load(config.deployment)
    signer = open_signer(node.key, deployment.chain_id)
    is_local = deployment.chain_id == LOCAL_CHAIN_ID
    async with AsyncExitStack() as stack:
        stack.enter_context(HostLock(_network(config, deployment), signer.address))
        stack.enter_context(KeyLock(config.data, signer.address))
        pool = await stack.enter_async_context(RpcPool(config.chain, deployment.identity))
        http = await stack.enter_async_context(GuardedHttp(allow_private=is_local))
        contracts = Contracts(deployment, pool)
        chain = ChainView(contracts, config.chain.confirmations)
        chain.head = await pool.head()
        database = Database(config.data / "worker.sqlite")
        stack.callback(database.close)
        identity = Identity(OperatorId(node.operator), signer.address, signer.seal_salt)
        desk = Desk(
            identity, chain, JobStore(database), SeatStore(database), SqliteOutbox(database)
        )
        await _check_bond(desk)
        if executor is None:
            executor = await open_executor(config.data / "modules")
        stack.push_async_callback(executor.close)
        blobs = BlobStore(config.data / "blobs", node.blob_bytes, free_floor=node.min_free_bytes)
        health = Health()
        yield Ground(config, node, pool, http, database, blobs, signer, executor, desk, health)


class Worker:
    """All services of one operator under one task group, and the two API listeners."""

    def __init__(self, ground: Ground, on_step: StepHook = no_hook) -> None:
        self.ground = ground
        self._on_step = on_step
        self._stop = asyncio.Event()
        self._wire()

    def _wire(self) -> None:
        ground, desk, node = self.ground, self.ground.desk, self.ground.node
        peers = Peers(desk)
        openings = Openings(desk, ground.http, peers)
        fetcher = Fetcher(ground.blobs, ground.http, ground.config.fetch)
        self._preparer = PrepareService(
            Preparer(fetcher, ground.executor, node.limits),
            desk.chain,
            desk.jobs,
            node.policy,
            desk.identity.operator,
            peers.locators,
            self._on_step,
        )
        self._claimer = Claimer(
            desk,
            self._preparer,
            node.policy,
            Load(desk, node.policy, node.run.parallel),
            ground.health,
            self._on_step,
        )
        self._watcher = self._build_watcher()
        self._sending = self._build_sending()
        self._caretaker = self._build_caretaker()
        patience = Seconds(node.patience)
        runner = self._build_runner()
        sealer = Sealer(desk, node.policy, self._on_step)
        revealer = Revealer(desk, openings, patience, self._on_step)
        settler = Settler(desk, patience, openings.forget, self._on_step)
        acting = (self._claimer, runner, sealer, revealer, settler)
        announcer = Announcer(desk, node.profile, node.public_url, self._on_step)
        self._services = [self._watcher, self._sending, self._preparer, *acting]
        self._services += [announcer, self._caretaker]
        desk.on_intent = self._sending.wake
        self._watcher.tell(self._sending, self._preparer, *acting)
        self._sending.tell(*acting)
        self._preparer.tell(self._claimer, runner)
        self._claimer.tell(runner)
        runner.tell(sealer)
        self._api = self._build_api(openings)

    async def run(self) -> None:
        """Work until told to stop: `drain` ends when all seats are settled, `stop` at once."""
        ground = self.ground
        async with self._api, asyncio.TaskGroup() as group:
            log.info(
                "worker started",
                operator=ground.desk.identity.operator,
                worker=ground.signer.address,
                admin_port=self._api.admin_port,
                public_port=self._api.public_port,
            )
            for service in self._services:
                group.create_task(service.run(self._stop), name=service.name)
        log.info("worker stopped")

    def drain(self) -> None:
        """Take no new work; finish, reveal and settle what was claimed, then end."""
        log.info("draining")
        self._caretaker.drain()

    def stop(self) -> None:
        """End after the steps that have begun; what is durable goes on at the next start."""
        log.info("stopping")
        self._stop.set()

    @property
    def is_draining(self) -> bool:
        """Whether a drain has begun."""
        return self._caretaker.is_draining

    def _build_watcher(self) -> Watcher:
        ground, chain = self.ground, self.ground.config.chain
        contracts = ground.desk.chain.contracts
        scanner = LogScanner(ground.pool, contracts, chain, depth=0, only=(SERVICE,))
        return Watcher(
            scanner, ground.database, ground.desk.chain, chain.poll_seconds, self._on_step
        )

    def _build_sending(self) -> Sending:
        ground = self.ground
        chain_id = ground.desk.chain.contracts.deployment.chain_id
        sender = Sender(
            ground.pool, ground.desk.outbox, ground.signer, ground.config.chain, chain_id
        )
        return Sending(sender, ground.desk.outbox, ground.health, self._on_step)

    def _build_runner(self) -> Runner:
        ground = self.ground
        scratch = ground.config.data / "scratch"
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Runner(
            ground.desk,
            self._preparer,
            ground.executor,
            ground.blobs,
            scratch,
            ground.node.run,
            self._on_step,
        )

    def _build_caretaker(self) -> Caretaker:
        ground = self.ground
        return Caretaker(
            ground.desk,
            ground.pool,
            ground.health,
            self._watcher,
            self._sending,
            ground.config.data,
            ground.node.min_free_bytes,
            ground.node.min_balance_wei,
            max(60.0, _STALE_POLLS * ground.config.chain.poll_seconds),
            self._stop,
        )

    def _build_api(self, openings: Openings) -> ApiServer:
        ground, desk, api = self.ground, self.ground.desk, self.ground.node.api
        outputs = Outputs(desk)
        places = Places(api.transfers, api.transfers_per_peer)
        domain = UploadDomain(desk.chain.contracts.deployment.chain_id, desk.chain.service)
        terms = UploadTerms(desk.identity.operator, domain, api.upload_bytes, api.upload_seconds)
        uploads = UploadRoutes(
            ground.blobs,
            terms,
            self._allowance,
            UploadQuota(UploadStore(ground.database), api.uploads_total_bytes),
            places,
            Speed(),
        )
        public: list[Routes] = [
            BlobRoutes(ground.blobs, outputs.is_public, places, Speed()),
            uploads,
            OpeningRoutes(openings),
            ResultRoutes(outputs),
        ]
        admin = AdminRoutes(self._not_ready, self._status, self.drain, REGISTRY)
        return ApiServer(api, [admin], public)

    async def _allowance(self, upload: Upload) -> int:
        """Whoever can pay for work may leave the blobs for it here, as far as it can pay."""
        contracts = self.ground.desk.chain.contracts
        balance = await contracts.call("Token", "balanceOf", upload.signer)
        return allowance(self.ground.node.api, balance)

    def _not_ready(self) -> Mapping[str, str]:
        return {str(reason): text for reason, text in self.ground.health.reasons.items()}

    async def _status(self) -> Mapping[str, object]:
        return build_status(self.ground.desk, self.ground.health, self._services, self._sending)


async def run(
    config: Config, *, executor: Executor | None = None, on_step: StepHook = no_hook
) -> int:
    """Run a worker until SIGTERM or SIGINT has drained it; a second signal stops it at once.

    Returns 0. Raises FatalError, alone or in an exception group, when a person must look.
    """
    async with open_ground(config, executor) as ground:
        worker = Worker(ground, on_step)
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            if worker.is_draining:
                worker.stop()
            else:
                worker.drain()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal)
        try:
            await worker.run()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
    return 0


def _network(config: Config, deployment: Deployment) -> str:
    """Return what tells this network from all others. Local ones are alike but for their URL."""
    if deployment.chain_id == LOCAL_CHAIN_ID:
        return str(config.chain.rpc_urls[0])
    return f"{deployment.chain_id}:{deployment.genesis_hash}"


async def _check_bond(desk: Desk) -> None:
    """Raise UnbondedError, with what to do, unless this key may lock for the jobs service."""
    if trouble := await bond_trouble(desk):
        raise UnbondedError(trouble)
    if not await lockable(desk):
        log.warning("nothing can be locked now", operator=desk.identity.operator)
