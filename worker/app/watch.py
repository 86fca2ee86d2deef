"""A process without stake that runs provable jobs again and convicts who opened something wrong."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from worker.app.challenge import Bench, ChallengeServices
from worker.app.ground import network_name
from worker.app.running import run_services
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.events import LogScanner
from worker.chain.keys import LOCAL_CHAIN_ID, Signer, open_signer
from worker.chain.sender import Sender
from worker.config import Config
from worker.errors import ConfigError
from worker.executors.tensor import TensorExecutor
from worker.health import Health, Reason
from worker.services.base import Service, no_hook
from worker.services.chain_view import ChainView
from worker.services.challenge.checker import Tell
from worker.services.challenge.runs import Runs, nothing_known
from worker.services.desk import Desk, Identity
from worker.services.peers import Peers
from worker.services.policy import PolicyConfig
from worker.services.preparer import PrepareService
from worker.services.provable.lane import DEMANDS, SERVICE, ProvableLane, Turn
from worker.services.sending import Sending
from worker.services.watcher import Watcher
from worker.storage.blobs import BlobStore
from worker.storage.challenges import OPEN
from worker.storage.database import Database
from worker.storage.fetch import Fetcher
from worker.storage.http import GuardedHttp
from worker.storage.jobs import JobLog, JobStore, PostedJob
from worker.storage.lock import HostLock, KeyLock
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import SeatStore
from worker.tensor.backends.choose import open_backend
from worker.types import OperatorId
from worker.work.prepare_tensor import TensorPreparer

log = structlog.get_logger(__name__)

_NOBODY = OperatorId(0)


@dataclass(frozen=True)
class Scope:
    """What is watched: jobs by key, programs by root; everything where both are empty."""

    jobs: frozenset[bytes] = frozenset()
    programs: frozenset[bytes] = frozenset()

    def has(self, job: PostedJob, _opening: JobLog) -> bool:
        """Whether a job is watched."""
        is_all = not self.jobs and not self.programs
        return is_all or job.job in self.jobs or job.program in self.programs


@dataclass(frozen=True)
class Post:
    """What a watcher stands on; opened by `open_post`, closed behind it."""

    config: Config
    signer: Signer
    pool: RpcPool
    http: GuardedHttp
    database: Database
    blobs: BlobStore
    tensors: TensorExecutor
    desk: Desk[Turn]


@asynccontextmanager
async def open_post(config: Config, ask_password: Callable[[], str]) -> AsyncIterator[Post]:
    """Open everything, with the wallet's key as the prover's.

    Raises ConfigError, KeyInUseError, WrongChainError, StoreCorruptError.
    """
    deployment = Deployment.load(config.deployment)
    if SERVICE not in deployment.contracts:
        raise ConfigError("this network has no provable jobs to watch")
    signer = open_signer(config.require_wallet(), deployment.chain_id, ask_password)
    is_local = deployment.chain_id == LOCAL_CHAIN_ID
    async with AsyncExitStack() as stack:
        stack.enter_context(HostLock(network_name(config, deployment), signer.address))
        stack.enter_context(KeyLock(config.data, signer.address))
        pool = await stack.enter_async_context(RpcPool(config.chain, deployment.identity))
        http = await stack.enter_async_context(GuardedHttp(allow_private=is_local))
        # The wallet's own file: one key has one outbox.
        database = Database(config.data / f"{signer.address.lower()}.sqlite")
        stack.callback(database.close)
        chain = ChainView(Contracts(deployment, pool), config.chain.confirmations)
        chain.head = await pool.head()
        identity = Identity(_NOBODY, signer.address, signer.seal_salt)
        stores = JobStore(database), SeatStore(database), SqliteOutbox(database)
        tensor = config.watch.tensor
        tensors = TensorExecutor(open_backend(tensor.backend), tensor.limits)
        stack.push_async_callback(tensors.close)
        blobs = BlobStore(config.data / "blobs", config.watch.blob_bytes)
        desk = Desk(identity, chain, ProvableLane(), *stores)
        yield Post(config, signer, pool, http, database, blobs, tensors, desk)


class Watch:
    """The watching half of a worker, under one task group."""

    def __init__(self, post: Post, scope: Scope, tell: Tell, is_once: bool) -> None:
        self._post = post
        self._stop = asyncio.Event()
        health, desk, config = Health(), post.desk, post.config
        peers = Peers(desk)
        fetcher = Fetcher(post.blobs, post.http, config.fetch)
        made = TensorPreparer(fetcher, post.tensors, config.watch.limits)
        # Only asked for batches: its own loop judges jobs to work on, and does not run.
        preparer = PrepareService(desk, made, PolicyConfig(), health, peers.locators, 0)
        runs = Runs(preparer.obtain, nothing_known, post.tensors)
        bench = Bench(desk, post.pool, post.http, post.database, runs, config.watch.challenge)
        self._challenge = ChallengeServices(bench, scope.has, tell, no_hook)
        self._watcher = self._build_watcher()
        chain_id = desk.chain.contracts.deployment.chain_id
        sender = Sender(post.pool, desk.outbox, post.signer, config.chain, chain_id)
        self._sending = Sending(sender, desk.outbox, health)
        self._lookout = Lookout(self, health, tell, is_once)
        self._watcher.tell(self._sending, *self._challenge.all, self._lookout)
        self._sending.tell(*self._challenge.all)
        self._challenge.challenger.tell(self._sending)
        self._services = [self._watcher, self._sending, *self._challenge.all, self._lookout]

    async def run(self) -> None:
        """Watch until told to stop."""
        log.info("watching", prover=self.address)
        await run_services(self._services, self._watcher, self._stop, self._lookout)

    def stop(self) -> None:
        """End after the steps that have begun; what is durable goes on at the next start."""
        self._stop.set()

    @property
    def address(self) -> str:
        """Whose gas money is spent."""
        return self._post.signer.address

    @property
    def is_done(self) -> bool:
        """Whether all that is known was looked at and no case is open."""
        is_looked = self._challenge.checker.idle_at == self._post.desk.chain.confirmed
        is_over = is_looked and not self._challenge.cases.in_states(*OPEN)
        return self._watcher.is_caught_up and is_over

    def _build_watcher(self) -> Watcher:
        post, desk = self._post, self._post.desk
        config, contracts = post.config.chain, desk.chain.contracts
        only = [name for name in (SERVICE, DEMANDS) if name in contracts.deployment.contracts]
        scanner = LogScanner(post.pool, contracts, config, depth=0, only=only)
        return Watcher(
            scanner, post.database, desk.chain, [desk.batches], config.poll_seconds, no_hook
        )


class Lookout(Service):
    """Tells the person who watches what only that person can mend; ends a watch of one pass."""

    name = "lookout"
    period = 1.0

    def __init__(self, watch: Watch, health: Health, tell: Tell, is_once: bool) -> None:
        super().__init__()
        self._watch = watch
        self._health = health
        self._tell_person = tell
        self._is_once = is_once
        self._told: frozenset[Reason] = frozenset()

    async def tick(self) -> bool:
        """Look once."""
        reasons = frozenset(self._health.reasons) - {Reason.STARTING}
        for reason in reasons - self._told:
            self._tell_person(f"{self._watch.address}: {reason}")
        self._told = reasons
        if self._is_once and self._watch.is_done:
            self._watch.stop()
        return False


async def run(
    config: Config,
    scope: Scope,
    *,
    tell: Tell,
    ask_password: Callable[[], str],
    is_once: bool = False,
) -> None:
    """Watch until SIGTERM or SIGINT, or until all that there is was checked and convicted.

    Raises FatalError, alone or in an exception group, when a person must look.
    """
    async with open_post(config, ask_password) as post:
        watch = Watch(post, scope, tell, is_once)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, watch.stop)
        try:
            await watch.run()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
