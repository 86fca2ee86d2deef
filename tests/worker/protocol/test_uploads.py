"""Upload permits: the type that wallets sign, and the header that carries the signature."""

import pytest
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

from worker.errors import UsageError
from worker.protocol.uploads import (
    Upload,
    UploadDomain,
    from_header,
    is_signed,
    to_header,
)
from worker.types import Address, Digest, OperatorId, Timestamp

KEY = "0x" + "22" * 32
REQUESTER = Account.from_key(KEY)
DOMAIN = UploadDomain(chain_id=31_337, service=Address("0x" + "11" * 20))
UPLOAD = Upload(
    digest=Digest(b"\xab" * 32),
    size=5_000,
    signer=Address(REQUESTER.address),
    operator=OperatorId(7),
    expiry=Timestamp(1_000_060),
)


def signing_hash() -> bytes:
    """The EIP-712 hash by the standard's own rule."""
    domain_type = keccak(text="EIP712Domain(string name,uint256 chainId,address verifyingContract)")
    domain = encode(
        ["bytes32", "bytes32", "uint256", "address"],
        [domain_type, keccak(text="Proofmesh"), DOMAIN.chain_id, DOMAIN.service],
    )
    upload_type = keccak(
        text="Upload(bytes32 digest,uint256 size,address signer,uint256 operator,uint256 expiry)"
    )
    upload = encode(
        ["bytes32", "bytes32", "uint256", "address", "uint256", "uint256"],
        [upload_type, UPLOAD.digest, UPLOAD.size, UPLOAD.signer, UPLOAD.operator, UPLOAD.expiry],
    )
    return keccak(b"\x19\x01" + keccak(domain) + keccak(upload))


def test_is_signed__over_the_standards_hash__is_true():
    signature = bytes(Account.unsafe_sign_hash(signing_hash(), KEY).signature)

    assert is_signed(UPLOAD, DOMAIN, signature)


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, b"\x01" * 64])
def test_is_signed__nonsense__is_false(signature):
    assert not is_signed(UPLOAD, DOMAIN, signature)


def test_header__read_back__is_the_upload():
    header = to_header(UPLOAD, b"\x05" * 65)

    read = from_header(header, UPLOAD.operator, UPLOAD.digest, UPLOAD.size)

    assert read == (UPLOAD, b"\x05" * 65)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Proofmesh", "Bearer"),
        ("expiry=1000060", "expiry=-1"),
        ("expiry=1000060", "expiry=" + "9" * 13),
        ("expiry=1000060", "expiry=\u0661"),
        ("0505", "05"),
        (",", ", "),
    ],
)
def test_from_header__malformed__raises(old, new):
    header = to_header(UPLOAD, b"\x05" * 65).replace(old, new, 1)

    with pytest.raises(UsageError, match="Authorization"):
        from_header(header, UPLOAD.operator, UPLOAD.digest, UPLOAD.size)
