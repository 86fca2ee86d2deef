"""All services of one operator, and the two API listeners, from start to end."""

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

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
from worker.app.ground import Ground, open_ground
from worker.app.provable import ProvableServices
from worker.app.replicated import ReplicatedServices
from worker.app.running import run_services
from worker.chain.events import LogScanner
from worker.chain.sender import Sender
from worker.config import Config
from worker.executors.base import Executor
from worker.protocol.capabilities import Capability
from worker.protocol.uploads import Upload, UploadDomain
from worker.services.announcer import Announcer
from worker.services.base import Service, StepHook, no_hook
from worker.services.caretaker import Caretaker
from worker.services.collector import Collector
from worker.services.deliverer import Cutter, Deliverer, cut_run
from worker.services.outputs import Outputs
from worker.services.peers import Peers
from worker.services.policy import TokenTerms
from worker.services.provable.lane import DEMANDS
from worker.services.report import build_status
from worker.services.sending import Sending
from worker.services.watcher import Watcher
from worker.storage.challenges import CaseStore
from worker.storage.fetch import Fetcher
from worker.storage.http import Speed
from worker.storage.uploads import UploadStore
from worker.tensor.backends.base import Backend

log = structlog.get_logger(__name__)

_STALE_POLLS = 30  # polls without a new block until the head counts as stale


class Worker:
    """All services of one operator under one task group, and the two API listeners."""

    def __init__(self, ground: Ground, on_step: StepHook = no_hook) -> None:
        self.ground = ground
        self._on_step = on_step
        self._stop = asyncio.Event()
        self._wire()

    def _wire(self) -> None:
        ground, node = self.ground, self.ground.node
        peers = Peers(ground.desk)
        fetcher = Fetcher(ground.blobs, ground.http, ground.config.fetch)
        self._replicated = ReplicatedServices(ground, peers, fetcher, self._on_step)
        self._provable = None
        if ground.provable is not None and ground.tensors is not None:
            self._provable = ProvableServices(
                ground, ground.provable, ground.tensors, peers, fetcher, self._on_step
            )
        lanes = [lane for lane in (self._replicated, self._provable) if lane is not None]
        in_lanes = [service for lane in lanes for service in lane.all]
        self._watcher = self._build_watcher()
        self._sending = self._build_sending()
        self._caretaker = self._build_caretaker()
        announcer = Announcer(
            ground.desk, node.profile, node.public_url, _capabilities(ground), self._on_step
        )
        if DEMANDS in ground.desk.chain.contracts.deployment.contracts:
            in_lanes.append(self._build_deliverer())
        self._services: list[Service] = [self._watcher, self._sending, *in_lanes]
        token = node.policy.tokens.get(0, TokenTerms())
        collector = Collector(ground.desk, node.collect, token, self._on_step)
        self._services += [announcer, collector, self._caretaker]
        for desk in ground.desks:
            desk.on_intent = self._sending.wake
        self._watcher.tell(self._sending, *in_lanes)
        for lane in lanes:
            self._sending.tell(*lane.acting)
        self._api = self._build_api()

    async def run(self) -> None:
        """Work until told to stop: `drain` ends when all seats are settled, `stop` at once."""
        ground = self.ground
        async with self._api:
            log.info(
                "worker started",
                operator=ground.desk.identity.operator,
                worker=ground.signer.address,
                admin_port=self._api.admin_port,
                public_port=self._api.public_port,
            )
            await run_services(self._services, self._watcher, self._stop, self._caretaker)
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
        wanted = [*(desk.lane.service for desk in ground.desks), DEMANDS]
        only = [name for name in wanted if name in contracts.deployment.contracts]
        scanner = LogScanner(ground.pool, contracts, chain, depth=0, only=only)
        lanes = [desk.batches for desk in ground.desks]
        view, period = ground.desk.chain, chain.poll_seconds
        return Watcher(scanner, ground.database, view, lanes, period, self._on_step)

    def _build_deliverer(self) -> Deliverer:
        ground = self.ground
        cutters: dict[str, Cutter] = {ground.desk.lane.service: cut_run}
        if ground.provable is not None and self._provable is not None:
            cutters[ground.provable.lane.service] = self._provable.cutter
        return Deliverer(ground.desk, ground.blobs, cutters, self._on_step)

    def _build_sending(self) -> Sending:
        ground = self.ground
        chain_id = ground.desk.chain.contracts.deployment.chain_id
        sender = Sender(
            ground.pool, ground.desk.outbox, ground.signer, ground.config.chain, chain_id
        )
        return Sending(sender, ground.desk.outbox, ground.health, self._on_step)

    def _build_caretaker(self) -> Caretaker:
        ground = self.ground
        return Caretaker(
            ground.desks,
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

    def _build_api(self) -> ApiServer:
        ground, desk, api = self.ground, self.ground.desk, self.ground.node.api
        outputs = Outputs(ground.desks)
        places = Places(api.transfers, api.transfers_per_peer)
        domain = UploadDomain(desk.chain.contracts.deployment.chain_id, desk.service)
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
            OpeningRoutes(self._replicated.openings),
            ResultRoutes(outputs),
        ]
        if self._provable is not None:
            public.append(self._provable.routes(places))
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
        ground = self.ground
        cases = CaseStore(ground.database)
        return build_status(ground.desks, ground.health, self._services, self._sending, cases)


def _capabilities(ground: Ground) -> Capability:
    """Return what this worker announces that it can do."""
    found = Capability.WASM
    if ground.tensors is not None:
        found |= Capability.TENSOR
        if ground.tensors.uses_gpu:
            found |= Capability.GPU
    return found


async def run(
    config: Config,
    *,
    executor: Executor | None = None,
    backend: Backend[Any] | None = None,
    on_step: StepHook = no_hook,
) -> int:
    """Run a worker until SIGTERM or SIGINT has drained it; a second signal stops it at once.

    `executor` and `backend` run its jobs in place of those that the settings name. Returns 0.
    Raises FatalError, alone or in an exception group, when a person must look.
    """
    async with open_ground(config, executor, backend) as ground:
        return await serve(ground, on_step)


async def serve(ground: Ground, on_step: StepHook = no_hook) -> int:
    """Run a worker on ground that is open; as `run`."""
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
