"""What the services stand on: opened before anything is changed, closed behind them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.keys import LOCAL_CHAIN_ID, Signer, open_signer
from worker.config import Config, NodeConfig
from worker.errors import UnbondedError
from worker.executors.base import Executor
from worker.executors.tensor import TensorExecutor
from worker.executors.wasm import open_executor
from worker.health import Health
from worker.services.caretaker import look_at_bond
from worker.services.chain_view import ChainView
from worker.services.desk import Desk, Identity
from worker.services.load import lockable
from worker.services.provable.lane import SERVICE as PROVABLE
from worker.services.provable.lane import ProvableLane, Turn
from worker.services.rounds import ReplicatedLane, Round
from worker.storage.blobs import BlobStore
from worker.storage.database import Database
from worker.storage.http import GuardedHttp
from worker.storage.jobs import JobStore
from worker.storage.lock import HostLock, KeyLock
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import SeatStore
from worker.tensor.backends.base import Backend
from worker.tensor.backends.choose import open_backend
from worker.types import OperatorId

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ground:
    """What the services stand on; opened by `open_ground`, closed behind it.

    `provable` and `tensors` are None on a network without provable jobs.
    """

    config: Config
    node: NodeConfig
    pool: RpcPool
    http: GuardedHttp
    database: Database
    blobs: BlobStore
    signer: Signer
    executor: Executor
    desk: Desk[Round]
    health: Health
    provable: Desk[Turn] | None
    tensors: TensorExecutor | None

    @property
    def desks(self) -> list[Desk[Any]]:
        """The desks of all lanes."""
        return [self.desk] if self.provable is None else [self.desk, self.provable]


@asynccontextmanager
async def open_ground(
    config: Config, executor: Executor | None = None, backend: Backend[Any] | None = None
) -> AsyncIterator[Ground]:
    """Open everything, in an order in which a mistake is found before anything is changed.

    Raises ConfigError, KeyInUseError, WrongChainError, UnbondedError, StoreCorruptError.
    """
    node = config.require_node()
    deployment = Deployment.load(config.deployment)
    signer = open_signer(node.key, deployment.chain_id)
    is_local = deployment.chain_id == LOCAL_CHAIN_ID
    async with AsyncExitStack() as stack:
        stack.enter_context(HostLock(network_name(config, deployment), signer.address))
        stack.enter_context(KeyLock(config.data, signer.address))
        pool = await stack.enter_async_context(RpcPool(config.chain, deployment.identity))
        http = await stack.enter_async_context(GuardedHttp(allow_private=is_local))
        chain = ChainView(Contracts(deployment, pool), config.chain.confirmations)
        chain.head = await pool.head()
        database = Database(config.data / "worker.sqlite")
        stack.callback(database.close)
        identity = Identity(OperatorId(node.operator), signer.address, signer.seal_salt)
        stores = JobStore(database), SeatStore(database), SqliteOutbox(database)
        desk = Desk(identity, chain, ReplicatedLane(), *stores)
        provable, tensors = None, None
        if PROVABLE in deployment.contracts:
            provable = Desk(identity, chain, ProvableLane(), *stores)
            backend = backend or open_backend(node.tensor.backend)
            tensors = TensorExecutor(backend, node.tensor.limits)
            stack.push_async_callback(tensors.close)
        health = Health()
        await _check_bond([desk] if provable is None else [desk, provable], health)
        if executor is None:
            executor = await open_executor(config.data / "modules")
        stack.push_async_callback(executor.close)
        blobs = BlobStore(config.data / "blobs", node.blob_bytes, free_floor=node.min_free_bytes)
        yield Ground(
            config, node, pool, http, database, blobs, signer, executor, desk, health,
            provable, tensors,
        )  # fmt: skip


def network_name(config: Config, deployment: Deployment) -> str:
    """Return what tells this network from all others. Local ones are alike but for their URL."""
    if deployment.chain_id == LOCAL_CHAIN_ID:
        return str(config.chain.rpc_urls[0])
    return f"{deployment.chain_id}:{deployment.genesis_hash}"


async def _check_bond(desks: list[Desk[Any]], health: Health) -> None:
    """Raise UnbondedError, with what to do, unless this key may lock for a jobs service."""
    if trouble := await look_at_bond(desks, health):
        raise UnbondedError(trouble)
    if not any([await lockable(desk) for desk in desks]):
        log.warning("nothing can be locked now", operator=desks[0].identity.operator)
