"""Signed uploads: only the signer's, only this blob, only here, only so much."""

import asyncio
from dataclasses import replace

import pytest
from eth_account import Account

from tests.worker.api.upload_actors import DOMAIN, NOW, REQUESTER, upload_of
from worker.chain.keys import Signer
from worker.protocol.uploads import Upload, sign_upload, to_header
from worker.types import Address, Timestamp

DATA = b"input" * 1_000


def headers_of(upload: Upload, domain=DOMAIN, account=REQUESTER) -> dict[str, str]:
    return {"Authorization": to_header(upload, sign_upload(upload, domain, account))}


async def put(web, upload: Upload, headers: dict[str, str], data: bytes = DATA):
    async with web.put(f"/blobs/{upload.digest.hex()}", data=data, headers=headers) as response:
        body = await response.json()
        return response.status, body.get("error", "stored")


async def test_put__signed_by_the_signer__is_kept_but_not_public(web, node):
    upload = upload_of(DATA)

    assert await put(web, upload, headers_of(upload)) == (201, "stored")

    assert node.store.read(upload.digest) == DATA
    assert node.store.info(upload.digest).keep_until == NOW + 60
    async with web.get(f"/blobs/{upload.digest.hex()}") as response:
        assert response.status == 404


async def test_put__far_expiry__is_kept_for_the_servers_maximum(web, node):
    upload = upload_of(DATA, expiry=Timestamp(NOW + 999_999))

    assert await put(web, upload, headers_of(upload)) == (201, "stored")
    assert node.store.info(upload.digest).keep_until == NOW + 3_600


async def test_put__replayed__changes_nothing(web, node):
    upload = upload_of(DATA)
    for _ in range(3):
        assert await put(web, upload, headers_of(upload)) == (201, "stored")
    assert node.store.used == len(DATA)


OTHER_CHAIN = replace(DOMAIN, chain_id=1)
OTHER_SERVICE = replace(DOMAIN, service=Address("0x" + "33" * 20))


@pytest.mark.parametrize(
    ("signed", "domain"),
    [
        ({"operator": 8}, DOMAIN),
        ({"size": 1}, DOMAIN),
        ({"digest": bytes(32)}, DOMAIN),
        ({"expiry": NOW + 61}, DOMAIN),
        ({}, OTHER_CHAIN),
        ({}, OTHER_SERVICE),
    ],
)
async def test_put__signature_over_something_else__is_401(web, node, signed, domain):
    upload = upload_of(DATA)
    signature = sign_upload(replace(upload, **signed), domain, REQUESTER)
    headers = {"Authorization": to_header(upload, signature)}

    assert await put(web, upload, headers) == (401, "bad_signature")
    assert node.store.used == 0


async def test_put__signed_by_another_key__is_401(web):
    upload = upload_of(DATA)
    headers = headers_of(upload, account=Signer(Account.from_key("0x" + "44" * 32)))

    assert await put(web, upload, headers) == (401, "bad_signature")


@pytest.mark.parametrize(
    "value",
    ["", "Bearer x", "Proofmesh signer=0x1,expiry=1,signature=0x00"],
)
async def test_put__no_usable_header__is_401(web, value):
    assert await put(web, upload_of(DATA), {"Authorization": value}) == (401, "unauthorized")


async def test_put__malformed_signature_bytes__is_401(web):
    upload = upload_of(DATA)
    headers = {"Authorization": to_header(upload, b"\xff" * 65)}

    assert await put(web, upload, headers) == (401, "bad_signature")


async def test_put__expired__is_401(web):
    upload = upload_of(DATA, expiry=Timestamp(NOW))

    assert await put(web, upload, headers_of(upload)) == (401, "expired")


async def test_put__stranger__is_403(web):
    stranger = Signer(Account.from_key("0x" + "55" * 32))
    upload = upload_of(DATA, signer=Address(stranger.address))

    assert await put(web, upload, headers_of(upload, account=stranger)) == (403, "over_quota")


async def test_put__over_the_signers_allowance__is_403_and_nothing_is_stored(web, node):
    node.allowance = 12_000
    for n in range(2):
        data = b"%d" % n * 5_000
        assert (await put(web, upload_of(data), headers_of(upload_of(data)), data))[0] == 201
    data = b"x" * 5_000

    assert await put(web, upload_of(data), headers_of(upload_of(data)), data) == (403, "over_quota")
    assert node.store.used == 10_000


async def test_put__wrong_bytes__is_422_and_frees_the_quota(web, node):
    node.allowance = 5_000
    upload = upload_of(DATA)

    evil = b"evil!" * 1_000
    assert await put(web, upload, headers_of(upload), evil) == (422, "wrong_digest")
    assert node.store.used == 0
    assert await put(web, upload, headers_of(upload)) == (201, "stored")


async def test_put__above_the_blob_cap__is_413(web):
    data = bytes(50_001)

    assert await put(web, upload_of(data), headers_of(upload_of(data)), data) == (413, "too_large")


async def test_put__no_length__is_411(web):
    async def chunks():
        yield DATA

    upload = upload_of(DATA)
    assert await put(web, upload, headers_of(upload), chunks()) == (411, "length_required")


async def test_put__encoded_body__is_415_and_never_decoded(web, node):
    upload = upload_of(DATA)
    headers = {**headers_of(upload), "Content-Encoding": "gzip"}

    assert await put(web, upload, headers, DATA) == (415, "encoded")
    assert node.store.used == 0


async def test_put__store_full__is_507(web, node):
    node.store.quota = 10
    upload = upload_of(DATA)

    assert await put(web, upload, headers_of(upload)) == (507, "full")


async def test_put__dripping_or_cut__is_dropped_and_leaves_nothing(server, node):
    upload = upload_of(DATA)
    lines = [f"PUT /blobs/{upload.digest.hex()} HTTP/1.1", "Host: x", "Content-Length: 5000"]
    lines += [f"{name}: {value}" for name, value in headers_of(upload).items()]
    head = "\r\n".join([*lines, "", "input"]).encode()
    for cut in (False, True):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.public_port)
        writer.write(head)
        await writer.drain()
        if cut:
            writer.close()
        else:
            assert (
                await asyncio.wait_for(reader.readline(), 3) == b"HTTP/1.1 408 Request Timeout\r\n"
            )
            writer.close()
    for _ in range(300):
        if not node.store.used:
            break
        await asyncio.sleep(0.01)
    assert list(node.store.folder.iterdir()) == []
