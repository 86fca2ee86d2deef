"""A requester's signed permit to leave one blob with one worker, until a time.

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
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "Upload": [
        {"name": "digest", "type": "bytes32"},
        {"name": "size", "type": "uint256"},
        {"name": "signer", "type": "address"},
        {"name": "operator", "type": "uint256"},
        {"name": "expiry", "type": "uint256"},
    ],
}
_HEADER = re.compile(
    r"Proofmesh signer=(0x[0-9a-fA-F]{40}),expiry=([0-9]{1,12}),signature=0x([0-9a-fA-F]{130})"
)


@dataclass(frozen=True)
class Upload:
    """What the requester signs: `size` in bytes, `expiry` in seconds since 1970."""

    digest: Digest
    size: int
    signer: Address
    operator: OperatorId
    expiry: Timestamp


@dataclass(frozen=True)
class UploadDomain:
    """Where an upload counts: the chain and the service contract the job is posted to."""

    chain_id: int
    service: Address


class TypedDataSigner(Protocol):
    """Whoever holds the signer's key."""

    def sign_typed_data(self, message: Mapping[str, Any]) -> bytes:
        """Return the 65-byte signature of a full EIP-712 message."""
        ...


def typed_data(upload: Upload, domain: UploadDomain) -> dict[str, Any]:
    """Return the full message as wallets take it (eth_signTypedData_v4)."""
    return {
        "types": _TYPES,
        "primaryType": "Upload",
        "domain": {
            "name": "Proofmesh",
            "chainId": domain.chain_id,
            "verifyingContract": domain.service,
        },
        "message": asdict(upload),
    }


def sign_upload(upload: Upload, domain: UploadDomain, key: TypedDataSigner) -> bytes:
    """Return the signer's 65-byte signature."""
    return key.sign_typed_data(typed_data(upload, domain))


def is_signed(upload: Upload, domain: UploadDomain, signature: bytes) -> bool:
    """Tell whether the signer's own key made the signature; contract wallets cannot upload."""
    message = encode_typed_data(full_message=typed_data(upload, domain))
    try:
        signer = Account.recover_message(message, signature=signature)
    except Exception:  # eth_account raises several kinds for malformed signatures
        return False
    return is_same_address(signer, upload.signer)


def to_header(upload: Upload, signature: bytes) -> str:
    """Return the value of the request's Authorization header."""
    return f"Proofmesh signer={upload.signer},expiry={upload.expiry},signature=0x{signature.hex()}"


def from_header(
    value: str, operator: OperatorId, digest: Digest, size: int
) -> tuple[Upload, bytes]:
    """Read the header of an upload of this blob to this worker. Raises UsageError."""
    match = _HEADER.fullmatch(value)
    if match is None:
        raise UsageError("Authorization: expected Proofmesh signer=,expiry=,signature=")
    upload = Upload(
        digest=digest,
        size=size,
        signer=Address(to_checksum_address(match[1])),
        operator=operator,
        expiry=Timestamp(int(match[2])),
    )
    return upload, bytes.fromhex(match[3])
