"""A payer's signed permit to leave one blob with one worker, until a time.

EIP-712 binds chain, service contract, worker, blob and size, so the permit is worth nothing
elsewhere; the blob is content-addressed, so using it twice changes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import is_same_address, to_checksum_address

from worker.errors import UsageError
from worker.types import Address, Digest, OperatorId, Timestamp

_TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "Upload": [
        {"name": "payer", "type": "address"},
        {"name": "operator", "type": "uint256"},
        {"name": "digest", "type": "bytes32"},
        {"name": "size", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "expires", "type": "uint256"},
    ],
}
_HEADER = re.compile(
    r"^Proofmesh payer=(0x[0-9a-fA-F]{40}),nonce=([0-9]{1,78}),expires=([0-9]{1,12}),"
    r"signature=0x([0-9a-fA-F]{130})$"
)


@dataclass(frozen=True)
class Upload:
    """What the payer signs: `nonce` is the job's, `size` in bytes, `expires` in chain time."""

    payer: Address
    operator: OperatorId
    digest: Digest
    size: int
    nonce: int
    expires: Timestamp


@dataclass(frozen=True)
class UploadDomain:
    """Where an upload counts: the chain and the service contract the job is posted to."""

    chain_id: int
    service: Address


class TypedDataSigner(Protocol):
    """Whoever holds the payer's key."""

    def sign_typed_data(self, message: Mapping[str, Any]) -> bytes:
        """Return the 65-byte signature of a full EIP-712 message."""


def sign_upload(upload: Upload, domain: UploadDomain, signer: TypedDataSigner) -> bytes:
    """Return the payer's 65-byte signature."""
    return signer.sign_typed_data(_message(upload, domain))


def is_signed_by_payer(upload: Upload, domain: UploadDomain, signature: bytes) -> bool:
    """Tell whether the payer's own key made the signature; contract wallets cannot upload."""
    try:
        signable = encode_typed_data(full_message=_message(upload, domain))
        signer = Account.recover_message(signable, signature=signature)
    except Exception:  # eth_account raises several kinds for malformed signatures
        return False
    return is_same_address(signer, upload.payer)


def to_header(upload: Upload, signature: bytes) -> str:
    """Return the value of the request's Authorization header."""
    return (
        f"Proofmesh payer={upload.payer},nonce={upload.nonce},expires={upload.expires},"
        f"signature=0x{signature.hex()}"
    )


def from_header(
    value: str, operator: OperatorId, digest: Digest, size: int
) -> tuple[Upload, bytes]:
    """Read the header of an upload of this blob to this worker. Raises UsageError."""
    match = _HEADER.match(value)
    if match is None or int(match[2]) >= 1 << 256:
        raise UsageError("Authorization: expected Proofmesh payer=,nonce=,expires=,signature=")
    upload = Upload(
        payer=Address(to_checksum_address(match[1])),
        operator=operator,
        digest=digest,
        size=size,
        nonce=int(match[2]),
        expires=Timestamp(int(match[3])),
    )
    return upload, bytes.fromhex(match[4])


def _message(upload: Upload, domain: UploadDomain) -> dict[str, Any]:
    return {
        "types": _TYPES,
        "primaryType": "Upload",
        "domain": {
            "name": "Proofmesh",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.service,
        },
        "message": asdict(upload),
    }
