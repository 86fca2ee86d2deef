"""What counts as a locator, and which addresses it may lead to."""

import socket

import pytest

from worker.errors import UsageError
from worker.storage.locators import (
    Source,
    decode_locators,
    encode_locators,
    endpoint_locator,
    sources,
)
from worker.storage.netguard import RefusedAddressError, is_allowed, socket_factory
from worker.types import Digest

DIGEST = Digest(bytes.fromhex("ab" * 32))
HEX = "ab" * 32
CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


@pytest.mark.parametrize(
    ("locator", "source"),
    [
        ("https://host/b/{digest}", Source("https", f"https://host/b/{HEX}")),
        ("http://host:81/one.wasm", Source("http", "http://host:81/one.wasm")),
        (f"https://host/one#{HEX}", Source("https", "https://host/one")),
        (f"ipfs://{CID}/{{digest}}", Source("ipfs", f"ipfs://{CID}/{HEX}")),
        ("file:///data/{digest}", Source("file", f"file:///data/{HEX}")),
    ],
)
def test_sources__each_kind__becomes_a_url(locator, source):
    assert sources((locator,), DIGEST) == [source]


@pytest.mark.parametrize(
    "locator",
    [
        "",
        "ftp://host/x",
        "http://",
        "http:///x",
        "http://user:secret@host/x",
        "http://host:99999/x",
        "http://host\\@evil/x",
        "http://host/a b",
        "http://host/\x1b[31m",
        "file://host/x",
        "ipfs://short",
        f"ipfs://{CID}/../../admin",
        f"ipfs://{CID}?arg=x",
        "javascript:alert(1)",
        "https://host/" + "x" * 512,
        "https://host/one#" + "zz" * 32,
    ],
)
def test_sources__nonsense__is_left_out_and_not_encodable(locator):
    assert sources((locator,), DIGEST) == []
    with pytest.raises(UsageError, match="not a locator"):
        encode_locators((locator,))


def test_sources__fragment_of_another_blob__is_left_out():
    assert sources((f"https://host/one#{'cd' * 32}",), DIGEST) == []


def test_decode__what_was_encoded__comes_back():
    locators = ("https://host/b/{digest}", f"https://host/one#{'cd' * 32}", f"ipfs://{CID}")

    assert decode_locators(encode_locators(locators)) == locators


def test_decode__garbage_from_the_chain__gives_what_is_usable():
    assert decode_locators(b"\xff\xfe\nhttps://host/{digest}\n\n\x00") == ("https://host/{digest}",)
    assert len(decode_locators(b"\n".join(b"https://h/%d" % n for n in range(99)))) == 16


def test_encode__too_many__raises():
    with pytest.raises(UsageError, match="at most 16"):
        encode_locators(("https://host/x",) * 17)


def test_shown__secret_in_query__is_left_out():
    assert Source("https", "https://host/x?token=secret").shown == "https://host/x"


def test_endpoint_locator__trailing_slash__is_one_slash():
    assert sources((endpoint_locator("https://host:8440/"),), DIGEST) == [
        Source("https", f"https://host:8440/blobs/{HEX}")
    ]


PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"]
PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "::1", "fd12::1"]
MAPPED = ["::ffff:127.0.0.1", "::ffff:10.0.0.1"]
NEVER = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "fe80::1%eth0",
    "fec0::1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "2001:0:53aa:64c::1",
    "not an address",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_is_allowed__public__always(address):
    assert is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE + MAPPED)
def test_is_allowed__private__on_local_chains_only(address):
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_is_allowed__metadata_shared_or_reserved__never(address):
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)


def test_socket_factory__refused_address__makes_no_socket():
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))

    with pytest.raises(RefusedAddressError, match=r"127\.0\.0\.1 is not public"):
        socket_factory(allow_private=False)(info)
    socket_factory(allow_private=True)(info).close()
