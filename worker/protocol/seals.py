"""Seals: results that are fixed before they are shown. The twin of `modules/seals.vy`."""

import hmac
from collections.abc import Sequence

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.types import BatchIndex, JobKey, OperatorId


def values_hash(values: Sequence[bytes]) -> bytes:
    """Return keccak256(abi.encode(values)), what a seal binds of a list of values."""
    return keccak(encode(["bytes32[]"], [list(values)]))


def seal_digest(
    key: JobKey,
    batch: BatchIndex,
    round_number: int,
    operator: OperatorId,
    values: Sequence[bytes],
    salt: bytes,
) -> bytes:
    """Return the seal of an operator's values; `values` as they will be opened."""
    return keccak(
        encode(
            ["bytes32", "uint256", "uint256", "uint256", "bytes32", "bytes32"],
            [key, batch, round_number, operator, values_hash(values), salt],
        )
    )


def kept(digest: bytes) -> int:
    """Return the part of a seal, or of the hash of opened values, that its record keeps."""
    return int.from_bytes(digest, "big") & ((1 << 255) - 1)


def salt_for(worker_key: bytes, key: JobKey, batch: BatchIndex, round_number: int) -> bytes:
    """Return the salt of a seal, derived anew from the key, so that a lost disk loses no bond."""
    message = key + batch.to_bytes(32, "big") + round_number.to_bytes(32, "big")
    return hmac.digest(worker_key, message, "sha256")
