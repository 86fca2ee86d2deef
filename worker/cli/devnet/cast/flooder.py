"""One that pays to be a nuisance: worthless jobs, uploads up to the quota, requests without end,
demands for outputs that it could fetch. All of it is within the rules."""

import asyncio
import contextlib
import hashlib
import io
import json
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable

import structlog

from worker.chain.deployment import Deployment
from worker.chain.keys import open_signer
from worker.cli.devnet.deploy import find_checkout
from worker.cli.runtime import open_client
from worker.client import AsyncClient, JobFile
from worker.client.eligibility import Candidate
from worker.client.follow import Until
from worker.config import Config
from worker.errors import FetchError, ProofmeshError
from worker.protocol.uploads import Upload, UploadDomain, sign_upload
from worker.services.rounds import SERVICE
from worker.storage.http import GuardedHttp
from worker.types import Address, Digest, Timestamp
from worker.work.peers import PeerClient

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 8.0  # between two of its jobs
_REQUESTS_A_SECOND = 20
_UPLOAD_BYTES = 1 << 18
_KEPT_SECONDS = 600
_MOST_BYTES = 1 << 20
_RESULT_SECONDS = 120
_CHEAP, _DEAR = "0.000000001", "0.001"
_NOWHERE = "http://127.0.0.1:9/blobs/{digest}"
_PATHS = ("results", "openings", "traces", "blobs")

Nuisance = Callable[[], Awaitable[None]]


async def flood(config: Config) -> int:
    """Be a nuisance with the wallet of the settings until told to stop. Returns 0."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - called from a coroutine
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with open_client(config) as client, GuardedHttp(allow_private=True) as http:
            flooder = _Flooder(config, client, http)
            async with asyncio.TaskGroup() as group:
                for nuisance in (flooder.post, flooder.upload, flooder.hammer):
                    group.create_task(_repeat(nuisance))
    return 0


async def _repeat(nuisance: Nuisance) -> None:
    """Go on whatever is refused."""
    while True:
        try:
            await nuisance()
        except ProofmeshError as error:
            log.info("refused", what=nuisance.__name__, error=str(error))
            await asyncio.sleep(1)


class _Flooder:
    def __init__(self, config: Config, client: AsyncClient, http: GuardedHttp) -> None:
        deployment = Deployment.load(config.deployment)
        self._signer = open_signer(config.require_wallet(), deployment.chain_id)
        service = Address(deployment.contracts[SERVICE].address)
        self._domain = UploadDomain(deployment.chain_id, service)
        self._client = client
        self._http = http
        self._peers = PeerClient(http)
        self._folder = find_checkout() / "examples" / "raytrace"
        self._workers: list[Candidate] = []
        self._job = secrets.token_hex(32)

    async def post(self) -> None:
        """Post a job that nobody can run, one that nobody wants, and one to demand outputs of."""
        await self._client.submit(self._file(_DEAR, locators=[_NOWHERE]))
        await self._client.submit(self._file(_CHEAP))
        wanted = self._file(_DEAR)
        quote = await self._client.quote(wanted)
        self._workers = [one for one in quote.candidates if one.endpoint]
        record = await self._client.submit(wanted)
        assert record.key is not None  # noqa: S101 - it is posted
        self._job = record.key
        await self._client.wait(self._job, Until.RESULT, within=_RESULT_SECONDS)
        await self._client.demand(self._job)
        await asyncio.sleep(_PAUSE_SECONDS)

    async def upload(self) -> None:
        """Leave junk with every worker until it takes no more."""
        for worker in self._workers:
            with contextlib.suppress(FetchError):
                while True:
                    await self._put(worker)
        await asyncio.sleep(_PAUSE_SECONDS)

    async def hammer(self) -> None:
        """Ask every worker for what it has not, and for what it has."""
        await asyncio.sleep(1 / _REQUESTS_A_SECOND)
        for worker in self._workers:
            path = random.choice(_PATHS)  # noqa: S311 - not a secret
            with contextlib.suppress(FetchError):
                await self._http.get(f"{worker.endpoint}/{path}/{self._job}/0", _MOST_BYTES)
            await asyncio.sleep(1 / _REQUESTS_A_SECOND)

    def _file(self, price: str, **changes: object) -> JobFile:
        fields = {
            "name": "worthless",
            "program": "raytrace.wasm",
            "inputs": {"scene.txt": "scene.txt"},
            "args": ["{index}", "1", "1", "8", "8"],
            "tasks": {"range": {"from": 0, "to": 1}},
            "price": price,
            "bond": "0.1",
            "limits": {"fuel": "100M", "memory": "32MiB", "output": "64KiB", "files": 2},
            "windows": {"claim": "9s", "run": "20s", "reveal": "20s"},
        }
        return JobFile.parse(json.dumps(fields | changes).encode(), self._folder)

    async def _put(self, worker: Candidate) -> None:
        junk = secrets.token_bytes(_UPLOAD_BYTES)
        upload = Upload(
            digest=Digest(hashlib.sha256(junk).digest()),
            size=len(junk),
            signer=self._signer.address,
            operator=worker.operator,
            expiry=Timestamp(int(time.time()) + _KEPT_SECONDS),
        )
        signature = sign_upload(upload, self._domain, self._signer)
        await self._peers.upload(worker.endpoint, upload, signature, io.BytesIO(junk))
