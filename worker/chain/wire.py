"""JSON-RPC values, parsed strictly: what an endpoint says becomes a typed value or an RpcError."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_utils.address import to_checksum_address

from worker.errors import RpcError
from worker.types import Address, Timestamp, Wei

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_AMOUNT_BITS = 256


@dataclass(frozen=True)
class Block:
    """The parts of a block header that the worker uses."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: Timestamp
    base_fee: Wei


@dataclass(frozen=True)
class Log:
    """One log as an endpoint returned it."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int
    removed: bool


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    effective_gas_price: Wei
    logs: tuple[Log, ...]
    contract_address: Address | None


def parse_quantity(value: Any, what: str = "quantity", bits: int = 63) -> int:
    """Return the integer of a hex quantity such as "0x1a".

    No height, index, time, nonce or gas has more than 63 bits, and no database keeps more.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise RpcError(f"endpoint sent a malformed {what}: {_excerpt(value)}")
    number = int(value, 16)
    if number >> bits:
        raise RpcError(f"endpoint sent a {what} of more than {bits} bits")
    return number


def parse_amount(value: Any, what: str = "amount") -> Wei:
    """Return the wei of a hex quantity."""
    return Wei(parse_quantity(value, what, _AMOUNT_BITS))


def parse_data(value: Any, what: str = "data", length: int | None = None) -> bytes:
    """Return the bytes of "0x…" data, of exactly `length` bytes when given."""
    data = None
    if isinstance(value, str) and value.startswith("0x"):
        with suppress(ValueError):
            data = bytes.fromhex(value[2:])
    if data is None or 2 * len(data) + 2 != len(value):  # fromhex passes spaces over
        raise RpcError(f"endpoint sent malformed {what}: {_excerpt(value)}")
    if length is not None and len(data) != length:
        raise RpcError(f"endpoint sent {what} of {len(data)} bytes, not {length}")
    return data


def parse_address(value: Any, what: str = "address") -> Address:
    """Return the checksummed address."""
    return _checksummed(parse_data(value, what, 20))


@lru_cache(maxsize=4096)
def _checksummed(data: bytes) -> Address:
    return Address(to_checksum_address(data))


def parse_block(value: Any) -> Block:
    """Return the header of an eth_getBlock… answer; a missing block is an RpcError."""
    fields = parse_object(value, "block")
    return Block(
        number=parse_quantity(fields.get("number"), "block number"),
        hash=parse_data(fields.get("hash"), "block hash", 32),
        parent_hash=parse_data(fields.get("parentHash"), "parent hash", 32),
        timestamp=Timestamp(parse_quantity(fields.get("timestamp"), "timestamp")),
        base_fee=parse_amount(fields.get("baseFeePerGas", "0x0"), "base fee"),
    )


def parse_log(value: Any) -> Log:
    """Return a mined log."""
    fields = parse_object(value, "log")
    topics = fields.get("topics")
    if not isinstance(topics, list) or len(topics) > 4:
        raise RpcError(f"endpoint sent malformed topics: {_excerpt(topics)}")
    return Log(
        address=parse_address(fields.get("address")),
        topics=tuple(parse_data(topic, "topic", 32) for topic in topics),
        data=parse_data(fields.get("data"), "log data"),
        block_number=parse_quantity(fields.get("blockNumber"), "block number"),
        block_hash=parse_data(fields.get("blockHash"), "block hash", 32),
        tx_hash=parse_data(fields.get("transactionHash"), "transaction hash", 32),
        log_index=parse_quantity(fields.get("logIndex"), "log index"),
        removed=fields.get("removed", False) is not False,
    )


def parse_logs(value: Any) -> list[Log]:
    """Return the logs of an eth_getLogs answer."""
    if not isinstance(value, list):
        raise RpcError(f"endpoint sent malformed logs: {_excerpt(value)}")
    return [parse_log(item) for item in value]


def parse_receipt(value: Any) -> Receipt | None:
    """Return the receipt, or None when the transaction is not mined."""
    if value is None:
        return None
    fields = parse_object(value, "receipt")
    status = parse_quantity(fields.get("status"), "status")
    if status > 1:
        raise RpcError(f"endpoint sent a malformed status: {status}")
    created = fields.get("contractAddress")
    return Receipt(
        tx_hash=parse_data(fields.get("transactionHash"), "transaction hash", 32),
        block_number=parse_quantity(fields.get("blockNumber"), "block number"),
        block_hash=parse_data(fields.get("blockHash"), "block hash", 32),
        succeeded=status == 1,
        gas_used=parse_quantity(fields.get("gasUsed"), "gas used"),
        effective_gas_price=parse_amount(fields.get("effectiveGasPrice"), "gas price"),
        logs=tuple(parse_logs(fields.get("logs"))),
        contract_address=None if created is None else parse_address(created),
    )


def parse_object(value: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise RpcError(f"endpoint sent a malformed {what}: {_excerpt(value)}")
    return value


def _excerpt(value: Any) -> str:
    """Say what came instead; of lists and objects, which may be deep or huge, only that."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return ascii(value[:80] if isinstance(value, str) else value)
