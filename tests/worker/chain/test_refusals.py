"""The words of nodes and vendors."""

import pytest

from tests.faults.proxy import RANGE_LIMITS
from worker.chain.refusals import (
    EndpointError,
    RangeLimitError,
    Refusal,
    ResponseError,
    classify_error,
    classify_refusal,
    decode_revert,
)
from worker.errors import RevertedError


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("already known", Refusal.ALREADY_KNOWN),
        ("AlreadyKnown", Refusal.OTHER),
        ("transaction already imported", Refusal.ALREADY_KNOWN),
        ("known transaction: 0xab", Refusal.ALREADY_KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TOO_LOW),
        ("Transaction nonce is too low. Try incrementing the nonce.", Refusal.NONCE_TOO_LOW),
        ("OldNonce: old nonce", Refusal.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("transaction underpriced: tip needed 1, tip permitted 0", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee: address 0x", Refusal.UNDERPRICED),
        ("FeeTooLow, fee too low", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value: balance 0", Refusal.INSUFFICIENT_FUNDS),
        ("Insufficient funds for gas * price + value", Refusal.INSUFFICIENT_FUNDS),
        ("tx fee (2.10 ether) exceeds the configured cap (1.00 ether)", Refusal.FEE_CAP),
        ("intrinsic gas too low", Refusal.OTHER),
    ],
)
def test_classify_refusal__words__meaning(message, refusal):
    assert classify_refusal(message) is refusal


@pytest.mark.parametrize("vendor", RANGE_LIMITS)
def test_classify_error__range_limits__range_limit_error(vendor):
    code, words = RANGE_LIMITS[vendor]
    error = classify_error("eth_getLogs", code, words.format(a="0x10", b="0x1f"), None)
    assert isinstance(error, RangeLimitError)
    assert error.suggested_end == (0x1F if "{a}" in words else None)


@pytest.mark.parametrize(
    ("method", "code", "message", "kind"),
    [
        (
            "eth_getLogs",
            -32005,
            "daily request count exceeded, request rate limited",
            EndpointError,
        ),
        ("eth_call", -32000, "header not found", EndpointError),
        ("eth_blockNumber", -32603, "Internal error", EndpointError),
        ("eth_getLogs", -32602, "invalid argument 0", ResponseError),
        ("eth_sendRawTransaction", -32000, "nonce too low", ResponseError),
        ("eth_sendRawTransaction", -32603, "insufficient funds for gas", ResponseError),
        ("eth_estimateGas", 3, "execution reverted: jobs: claim closed", RevertedError),
    ],
)
def test_classify_error__other_words__who_is_at_fault(method, code, message, kind):
    error = classify_error(method, code, message, None)
    assert type(error) is kind


def test_classify_error__revert_with_data__the_contracts_words():
    data = "0x08c379a0" + (32).to_bytes(32, "big").hex() + (4).to_bytes(32, "big").hex()
    data += b"jobs".ljust(32, b"\0").hex()
    for shape in (data, {"data": data}):
        error = classify_error("eth_call", -32603, "execution reverted", shape)
        assert isinstance(error, RevertedError) and error.reason == "jobs"


def test_decode_revert__no_words__says_what_there_is():
    assert decode_revert(b"") == "reverted without a reason"
    assert decode_revert(bytes.fromhex("4e487b71") + (17).to_bytes(32, "big")) == "panic 0x11"
    assert decode_revert(b"\x12\x34\x56\x78") == "reverted with 0x12345678"
    assert decode_revert(bytes.fromhex("08c379a0ff")) == "reverted with 0x08c379a0ff"
