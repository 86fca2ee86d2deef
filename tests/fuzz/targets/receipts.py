"""Receipts, which anybody may hand around, and the headers of blocks that nodes send for them."""

import json

from eth_utils.crypto import keccak

from tests.fuzz.target import Form, Target, scratch
from worker.client.receipts import Receipt, check_receipt, encode_header
from worker.errors import VerificationError
from worker.types import Address


def _receipt(data: bytes) -> bool:
    """Checked against the block and the contract that it names itself."""
    receipt = Receipt.load(scratch(data, ".json"))
    assert Receipt.load(scratch(receipt.model_dump_json().encode(), ".json")) == receipt
    check_receipt(receipt, receipt.block_hash, Address(receipt.service))
    assert len(receipt.task_values()) == len(receipt.values)
    return True


def _header(data: bytes) -> bool:
    try:
        block = json.loads(data)
    except (ValueError, RecursionError):
        return False
    header = encode_header(block)
    assert keccak(header).hex() == block["hash"].removeprefix("0x").lower()
    return True


TARGETS = (
    Target("receipt", _receipt, lambda: [], (VerificationError,), Form.JSON),
    Target("block_header", _header, lambda: [], (VerificationError,), Form.JSON),
)
