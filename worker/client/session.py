"""One person's connection to one network: endpoints, blobs, journal, and the wallet on demand."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.chain.keys import LOCAL_CHAIN_ID, Signer, open_signer
from worker.client.config import ClientConfig
from worker.client.delivery import QUOTA
from worker.client.journal import Journal, Record
from worker.client.network import History, Network
from worker.client.outputs import Outputs
from worker.client.replay import replay
from worker.client.status import JobStatus
from worker.client.view import JobView
from worker.client.wallet import Wallet, open_wallet
from worker.errors import ConfigError, NotFoundError
from worker.storage.blobs import BlobStore
from worker.storage.fetch import Fetcher
from worker.storage.http import GuardedHttp
from worker.work.peers import PeerClient


class Session:
    """What the verbs of `AsyncClient` stand on. Open it by `async with`."""

    def __init__(self, config: ClientConfig, ask_password: Callable[[], str] | None = None) -> None:
        """`ask_password` is called when the wallet's keystore needs a password not configured.

        Raises ConfigError when the deployment file is wrong.
        """
        self._config = config
        self._ask_password = ask_password
        self._deployment = Deployment.load(config.deployment)
        self._signer: Signer | None = None

    async def __aenter__(self) -> Self:
        config, deployment = self._config, self._deployment
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(RpcPool(config.chain, deployment.identity))
            is_local = deployment.chain_id == LOCAL_CHAIN_ID
            http = await stack.enter_async_context(GuardedHttp(allow_private=is_local))
            self._network = Network(pool, Contracts(deployment, pool))
            folder = config.data / f"{deployment.chain_id}-{self._network.service.lower()[2:10]}"
            self._store = BlobStore(folder / "blobs", QUOTA)
            self._journal = Journal(folder / "jobs")
            self._peers = PeerClient(http)
            self._fetcher = Fetcher(self._store, http, config.fetch)
            self._outputs = Outputs(self._network, http, self._fetcher)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def _wallet(self) -> AsyncIterator[Wallet]:
        """Open the wallet for as long as it is needed: it is locked against other processes."""
        if self._signer is None:
            if self._config.wallet is None:
                raise ConfigError("no wallet is configured")
            self._signer = open_signer(
                self._config.wallet, self._deployment.chain_id, self._ask_password
            )
        chain, folder = self._config.chain, self._config.data
        async with open_wallet(self._deployment, chain, self._signer, folder) as wallet:
            yield wallet

    async def _status(self, record: Record | None, job: str) -> JobStatus:
        """Return the state of a recorded job, else of the one whose key `job` is."""
        confirmations = self._config.chain.confirmations
        if record is not None and record.key is None:
            head = await self._network.head()
            return JobStatus(record, None, head.number, confirmations)
        head, events = await self._history(record, job).read()
        return JobStatus(record, replay(events, head.timestamp), head.number, confirmations)

    async def view(self, job: str) -> JobView:
        """Return what the chain tells of a posted job."""
        status = await self._status(self._journal.find(job), job)
        if status.view is None:
            raise NotFoundError(f"{status.name} is not posted: {status.state}")
        return status.view

    def _history(self, record: Record | None, job: str) -> History:
        """Return the events of a recorded job, else of the one whose key `job` is."""
        if record is None:
            return History(self._network, _key_of(job))
        if record.key is None:
            raise NotFoundError(f"{record.name} is not posted: {record.error or 'pending'}")
        return History(self._network, bytes.fromhex(record.key), record.block)


def _key_of(job: str) -> bytes:
    """Read a whole key. Raises NotFoundError."""
    with suppress(ValueError):
        key = bytes.fromhex(job.removeprefix("0x"))
        if len(key) == 32:
            return key
    raise NotFoundError(f'no job "{job}" was posted from this machine; else give its whole key')
