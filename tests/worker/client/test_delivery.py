"""Bringing blobs to operators: left with workers, served from here, or kept for a local chain."""

import asyncio

import aiohttp
import pytest

from tests.worker.client.conftest import CHAIN_ID, job_file
from worker.api.blobs import BlobRoutes
from worker.api.config import ApiConfig
from worker.api.places import Places
from worker.api.quota import UploadQuota
from worker.api.server import ApiServer
from worker.api.uploads import UploadRoutes, UploadTerms
from worker.chain.keys import dev_signer
from worker.client.delivery import Delivery, Uploader, local_locators, stash
from worker.client.eligibility import Candidate
from worker.errors import FetchError, InvalidBlobError, SpecError, UsageError
from worker.protocol.uploads import UploadDomain
from worker.storage.blobs import BlobStore
from worker.storage.database import Database
from worker.storage.http import GuardedHttp, Speed
from worker.storage.uploads import UploadStore
from worker.types import OperatorId, Timestamp, Wei
from worker.work.peers import PeerClient

LATER = Timestamp(4_000_000_000)


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "store", 1 << 24, free_floor=0)


@pytest.fixture
async def worker(client, tmp_path):
    """A worker's store behind a real listener that takes uploads of the payer alone."""
    there = BlobStore(tmp_path / "worker", 1 << 24, free_floor=0)
    payer = dev_signer(0, CHAIN_ID).address
    places = Places(total=8, per_peer=8)
    network = client._network
    terms = UploadTerms(
        OperatorId(7), UploadDomain(network.chain_id, network.service), 1 << 20, 3_600
    )

    async def allow(upload):
        return 1 << 20 if upload.signer == payer else 0

    async def public(_):
        return True

    speed = Speed()
    database = Database(tmp_path / "worker.sqlite")
    quota = UploadQuota(UploadStore(database), 1 << 22)
    uploads = UploadRoutes(there, terms, allow, quota, places, speed)
    server = ApiServer(
        ApiConfig(public_port=0, admin_port=0),
        admin=[],
        public=[BlobRoutes(there, public, places, speed), uploads],
    )
    async with server:
        yield there, f"http://127.0.0.1:{server.public_port}"
    database.close()


def candidate(endpoint: str, operator: int = 7) -> Candidate:
    return Candidate(OperatorId(operator), 1, endpoint, Wei(0), ())


async def upload(client, store, candidates, account=0, **options):
    async with GuardedHttp(allow_private=True) as http:
        signer = dev_signer(account, CHAIN_ID)
        uploader = Uploader(client._network, signer, store, PeerClient(http))
        digests = [info.digest for info in store.blobs()]
        return await uploader.upload(digests, candidates, LATER, **options)


async def test_upload__worker_takes_them__locators_lead_to_the_blobs(client, store, worker):
    there, url = worker
    digests = [store.put(data, LATER) for data in (b"a", b"b" * 300_000)]
    told = []

    found = await upload(
        client, store, [candidate("http://127.0.0.1:9", 3), candidate(url)],
        progress=lambda who, size: told.append((who, size)),
    )  # fmt: skip

    assert found == (f"{url}/blobs/{{digest}}",)
    assert all(there.has(digest) for digest in digests)
    assert sorted(told) == [("operator 7", 1), ("operator 7", 300_000)]


async def test_upload__nobody_takes_them__names_every_reason(client, store, worker):
    store.put(b"a", LATER)
    with pytest.raises(FetchError, match=r"operator 3: cannot connect.*; operator 7: status 403"):
        await upload(
            client, store, [candidate("http://127.0.0.1:9", 3), candidate(worker[1])], account=5
        )
    with pytest.raises(FetchError, match="no eligible operator announces an endpoint"):
        await upload(client, store, [])


async def test_serving__posted_job__serves_its_blobs_alone(client, tmp_path, cast):
    async with client.serving("127.0.0.1", 0) as port:
        delivery = Delivery(served_at=f"http://127.0.0.1:{port}")
        record = await client.submit(job_file(tmp_path / "job"), delivery)
        assert record.locators == (f"http://127.0.0.1:{port}/blobs/{{digest}}",)
        async with aiohttp.ClientSession() as session:
            for blob in record.blobs:
                async with session.get(f"http://127.0.0.1:{port}/blobs/{blob}") as answer:
                    assert answer.status == 200
            async with session.get(f"http://127.0.0.1:{port}/blobs/{'0' * 64}") as answer:
                assert answer.status == 404
            async with session.get(f"http://127.0.0.1:{port}/blobs/..%2fjobs") as answer:
                assert answer.status == 404


async def test_serving__port_taken__says_so(client):
    async with client.serving("127.0.0.1", 0) as port:
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with client.serving("127.0.0.1", port):
                pass


async def test_submit__bad_locator__refused_before_sending(client, tmp_path):
    with pytest.raises(SpecError, match=r"locators\[1\]: not a locator"):
        job_file(tmp_path / "job", locators=["https://a.example/{digest}", "gopher://x"])
    long = ("https://a.example/" + "x" * 490,) * 5
    with pytest.raises(UsageError, match="longer than 2048 bytes"):
        await client.submit(job_file(tmp_path / "job"), Delivery(locators=long))
    with pytest.raises(UsageError, match="not a locator"):
        await client.submit(job_file(tmp_path / "job"), Delivery(locators=("gopher://x",)))
    assert await client.list_jobs() == []


async def test_stash__file_changed_since_it_was_hashed__refused(store, tmp_path):
    job = job_file(tmp_path / "job")
    built = job.build()
    (tmp_path / "job" / "p.wasm").write_bytes(b"\0asm\1\0\0\0\0")

    with pytest.raises(InvalidBlobError, match="changed while it was read"):
        await asyncio.to_thread(stash, store, built, LATER)


def test_local_locators__public_chain__none(store):
    assert local_locators(1, store) == ()
    assert local_locators(31_337, store) == (f"file://{store.folder}/{{digest}}",)
