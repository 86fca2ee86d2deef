"""Two real sides: what `PeerClient` asks, this API answers."""

import io
from collections.abc import AsyncIterator

import pytest

from tests.worker.api.upload_actors import DOMAIN, NOW, REQUESTER, upload_of
from worker.errors import FetchError
from worker.protocol.openings import NoOpening, Opening
from worker.protocol.uploads import sign_upload
from worker.storage.http import GuardedHttp, PassingFetchError
from worker.types import BatchIndex, JobKey, OperatorId
from worker.work.peers import PeerClient

JOB = JobKey(b"\xab" * 32)
BATCH = BatchIndex(3)
DATA = b"input" * 10_000


@pytest.fixture
async def client() -> AsyncIterator[PeerClient]:
    async with GuardedHttp(allow_private=True) as http:
        yield PeerClient(http)


@pytest.fixture
def endpoint(server) -> str:
    return f"http://127.0.0.1:{server.public_port}"


async def test_fetch_opening__before_and_after_the_seal__waits_then_returns(client, endpoint, node):
    opening = Opening(OperatorId(7), 1, (b"\x01" * 32,), b"\x03" * 32)
    node.openings[(JOB, BATCH)] = NoOpening.TOO_EARLY
    with pytest.raises(PassingFetchError, match="425"):
        await client.fetch_opening(endpoint, JOB, BATCH)

    node.openings[(JOB, BATCH)] = opening

    assert await client.fetch_opening(endpoint, JOB, BATCH) == opening


async def test_upload__signed__is_kept(client, endpoint, node):
    upload = upload_of(DATA)
    signature = sign_upload(upload, DOMAIN, REQUESTER)

    until = await client.upload(endpoint, upload, signature, io.BytesIO(DATA))

    assert until == NOW + 60
    assert node.store.read(upload.digest) == DATA


async def test_upload__over_quota__says_so(client, endpoint, node):
    node.allowance = 10
    upload = upload_of(DATA)
    signature = sign_upload(upload, DOMAIN, REQUESTER)

    with pytest.raises(FetchError, match=r"status 403 \(over_quota\)"):
        await client.upload(endpoint, upload, signature, io.BytesIO(DATA))
    assert node.store.used == 0


async def test_upload__refused_before_it_is_read__still_says_why(client, endpoint, node):
    data = bytes(8 << 20)
    upload = upload_of(data)
    signature = sign_upload(upload, DOMAIN, REQUESTER)

    with pytest.raises(FetchError, match=r"status 413 \(too_large\)"):
        await client.upload(endpoint, upload, signature, io.BytesIO(data))
