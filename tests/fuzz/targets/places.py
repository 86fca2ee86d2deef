"""Where strangers say that things are, what they ask of them, and what they answer."""

import ipaddress

from yarl import URL

from tests.fuzz.target import Form, Target
from worker.api.ranges import MAX_RANGES, parse_ranges
from worker.chain.keys import dev_signer
from worker.errors import FetchError, UsageError
from worker.protocol.uploads import (
    Upload,
    UploadDomain,
    from_header,
    is_signed,
    sign_upload,
    to_header,
)
from worker.storage.http import read_code, redirect_of
from worker.storage.locators import MAX_LOCATORS, decode_locators, encode_locators, sources
from worker.storage.netguard import is_allowed
from worker.types import Address, Digest, OperatorId, Timestamp
from worker.work.peers import kept_until

_SIZES = (0, 1, 2, 1000, 1 << 20, (1 << 63) - 1)
_DIGEST = Digest(b"\1" * 32)
_DOMAIN = UploadDomain(31337, Address("0x" + "12" * 20))
_SIGNER = dev_signer(0, 31337)
_UPLOAD = Upload(_DIGEST, 77, _SIGNER.address, OperatorId(7), Timestamp(2_000_000_000))


def _range(data: bytes) -> bool:
    """The first byte chooses the blob's size."""
    size = _SIZES[data[0] % len(_SIZES)] if data else 0
    found = parse_ranges(data[1:].decode("latin-1"), size)
    if found is None:
        return False
    assert len(found) <= MAX_RANGES
    assert all(one.length > 0 and 0 <= one.start <= size - one.length for one in found)
    assert sum(one.length for one in found) <= size
    return bool(found)


def _locators(data: bytes) -> bool:
    taken = decode_locators(data)
    assert len(taken) <= MAX_LOCATORS
    assert decode_locators(encode_locators(taken)) == taken
    for source in sources(taken, _DIGEST):
        assert len(source.shown) <= 160 and "@" not in source.shown.partition("/")[0]
        if source.scheme in ("http", "https"):
            _is_url(source.url)
    return bool(taken)


def _is_url(text: str) -> bool:
    """The HTTP client refuses what is no URL with ValueError, and knows no user in the others."""
    try:
        url = URL(text)
    except ValueError:
        return False
    assert url.user is None and url.password is None
    return True


def _address(data: bytes) -> bool:
    text = data.decode("latin-1")
    if not is_allowed(text, allow_private=True):
        assert not is_allowed(text, allow_private=False)
        return False
    address = ipaddress.ip_address(text.partition("%")[0])
    assert not address.is_link_local and not address.is_multicast and not address.is_unspecified
    return True


def _redirect(data: bytes) -> bool:
    target = redirect_of(URL("https://a.example/x"), data.decode("latin-1"))
    assert URL(target).scheme == "https" and URL(target).user is None
    return True


def _peer_answer(data: bytes) -> bool:
    code = read_code(data)
    assert len(code) <= 40 and code.isascii()
    assert 0 <= kept_until(data) < 1 << 63
    return True


def _upload_header(data: bytes) -> bool:
    upload, signature = from_header(data.decode("latin-1"), OperatorId(7), _DIGEST, 77)
    again = to_header(upload, signature)
    assert from_header(again, OperatorId(7), _DIGEST, 77) == (upload, signature)
    assert len(signature) == 65
    return True


def _upload_signature(data: bytes) -> bool:
    """Nobody signs without the key; the last bit of `v` has two spellings."""
    if not is_signed(_UPLOAD, _DOMAIN, data):
        return False
    assert data[:64] == sign_upload(_UPLOAD, _DOMAIN, _SIGNER)[:64]
    return True


def _signatures() -> list[bytes]:
    return [sign_upload(_UPLOAD, _DOMAIN, _SIGNER)]


_URLS = (
    b"https://", b"http://", b"ipfs://", b"file:///", b"{digest}", b"#", b"?", b"@", b"\\",
    b"[::1]",
    b"[fe80::1%eth0]", b":0", b":65536", b"..", b"%2f", b"xn--", b"\xe9", b" ", b"\n", b"\t",
    b"169.254.169.254", b"0x7f.1", b"127.1", b"//", b"javascript:",
)  # fmt: skip

TARGETS = (
    Target(
        "range_header",
        _range,
        lambda: [b"\3bytes=0-1,5-,-3", b"\4bytes=0-", b"\1bytes=-1", b"\3bytes=1-2,4-5,7-9"],
        (),
        Form.TEXT,
        (b"bytes=", b",", b"-", b" ", b"\xb2", b"999999999999999999"),
    ),
    Target(
        "locators",
        _locators,
        lambda: [
            b"https://a.example/b/{digest}\nhttp://b.example:81/x#" + b"01" * 32,
            b"ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/{digest}",
            b"file:///srv/blobs/{digest}\nhttps://[2001:db8::1]/{digest}",
        ],
        (),
        Form.TEXT,
        _URLS,
    ),
    Target(
        "ip_address",
        _address,
        lambda: [b"10.0.0.1", b"::ffff:10.0.0.1", b"fd00::1", b"93.184.215.14", b"2606:4700::1"],
        (),
        Form.TEXT,
        (b"::", b":", b".", b"%eth0", b"ffff", b"64:ff9b::", b"2002:", b"fe80"),
    ),
    Target(
        "redirect",
        _redirect,
        lambda: [b"/y", b"https://b.example/z?a=b", b"//c.example", b"?q"],
        (FetchError,),
        Form.TEXT,
        _URLS,
    ),
    Target(
        "peer_answer",
        _peer_answer,
        lambda: [b'{"digest":"00","kept_until":1700000000,"error":"over_quota"}'],
        (FetchError,),
        Form.JSON,
    ),
    Target(
        "upload_header",
        _upload_header,
        lambda: [to_header(_UPLOAD, bytes(65)).encode()],
        (UsageError,),
        Form.TEXT,
        (b"Proofmesh signer=0x", b",expiry=", b",signature=0x", b"\n", b"\xb2"),
    ),
    Target("upload_signature", _upload_signature, _signatures),
)
