"""Seals: what an operator commits to before anyone opens (docs/protocol.md §4)."""

import hashlib
import hmac
from collections.abc import Sequence

from eth_abi.abi import encode
from eth_utils.crypto import keccak

DIGEST_MASK = (1 << 255) - 1
OPENED = 1 << 255


def values_hash(values: Sequence[bytes]) -> bytes:
    """Return keccak(abi.encode(values)), the form in which a seal binds its values."""
    return keccak(encode(["bytes32[]"], [list(values)]))


def seal_digest(
    key: bytes, batch: int, round_number: int, operator: int, values: Sequence[bytes], salt: bytes
) -> bytes:
    """Return the digest that `seal` takes; `values` are v in a base round, s in growth."""
    types = ["bytes32", "uint256", "uint256", "uint256", "bytes32", "bytes32"]
    return keccak(encode(types, [key, batch, round_number, operator, values_hash(values), salt]))


def salt_for(worker_key: bytes, key: bytes, batch: int, round_number: int) -> bytes:
    """Return the seal's salt, derived from the worker's private key: a lost disk loses no bond."""
    message = key + batch.to_bytes(4, "big") + round_number.to_bytes(1, "big")
    return hmac.new(worker_key, message, hashlib.sha256).digest()


def is_opened(record: int) -> bool:
    """Whether a stored seal record was opened."""
    return bool(record & OPENED)
