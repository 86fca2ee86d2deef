"""What RPC endpoints answer: JSON-RPC envelopes, blocks, logs, receipts, fees, reverts."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.conftest import ROOT
from tests.fuzz.target import Form, Target
from worker.chain.endpoint import Request, read_answers
from worker.chain.fees import parse_history
from worker.chain.refusals import (
    RangeLimitError,
    ResponseError,
    classify_refusal,
    decode_revert,
)
from worker.chain.wire import (
    parse_address,
    parse_block,
    parse_data,
    parse_logs,
    parse_quantity,
    parse_receipt,
)
from worker.errors import RevertedError, RpcError

_ANSWERS = ROOT / "tests" / "fuzz" / "corpus" / "rpc"
_PARSERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "block": ("eth_getBlockByNumber", parse_block),
    "logs": ("eth_getLogs", parse_logs),
    "receipt": ("eth_getTransactionReceipt", parse_receipt),
    "fees": ("eth_feeHistory", parse_history),
}
_WORDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "quantity": ("eth_chainId", parse_quantity),
    "data": ("eth_call", parse_data),
    "address": ("eth_call", parse_address),
}


def _answer(parsers: Sequence[tuple[str, Callable[[Any], Any]]], data: bytes) -> bool:
    """Read an answer to these requests, in one batch when there are several."""
    requests = [Request(method, [], parse) for method, parse in parsers]
    try:
        read_answers(requests, range(1, len(requests) + 1), 200, data)
    except RangeLimitError as error:
        assert error.suggested_end is None or error.suggested_end >= 0
        return False
    except ResponseError as error:
        classify_refusal(error.message)
        return False
    return True


def _target(name: str, method: str, parse: Callable[[Any], Any]) -> Target:
    def seeds() -> list[bytes]:
        result = json.loads((_ANSWERS / f"{name}.json").read_text())
        return [json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode(), *_errors()]

    return Target(
        f"rpc_{name}",
        lambda data: _answer([(method, parse)], data),
        seeds,
        (RpcError, RevertedError),
        Form.JSON,
    )


def _errors() -> list[bytes]:
    """Errors in the words of vendors, some with what a revert brings."""
    reason = "0x08c379a0" + f"{32:064x}{5:064x}" + b"jobs:".hex().ljust(64, "0")
    errors: list[dict[str, Any]] = [
        {"code": -32000, "message": "query returned more than 10000 results"},
        {"code": -32602, "message": "this block range should work: [0x10, 0x1f]"},
        {"code": -32005, "message": "limited to a 100 blocks range, try range [10, 015]"},
        {"code": 3, "message": "execution reverted: jobs: claim closed", "data": reason},
        {"code": -32003, "message": "reverted", "data": {"data": "Reverted 0x"}},
        {"code": -32000, "message": "nonce too low: next nonce 5, tx nonce 4"},
    ]
    return [json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode() for error in errors]


def _batch_seeds() -> list[bytes]:
    results = ["0x7a69", "0x6001", "0x" + "ab" * 20]
    answers = [
        {"jsonrpc": "2.0", "id": number, "result": result}
        for number, result in enumerate(results, 1)
    ]
    return [json.dumps(answers).encode(), *_errors()]


def _revert(data: bytes) -> bool:
    decode_revert(data).encode("utf-8", "surrogatepass")
    return True


def _revert_seeds() -> list[bytes]:
    text = f"{32:064x}{5:064x}" + b"jobs:".hex().ljust(64, "0")
    return [bytes.fromhex("08c379a0" + text), bytes.fromhex("4e487b71" + f"{17:064x}"), b""]


TARGETS = (
    *(_target(name, *parser) for name, parser in _PARSERS.items()),
    Target(
        "rpc_batch",
        lambda data: _answer(list(_WORDS.values()), data),
        _batch_seeds,
        (RpcError, RevertedError),
        Form.JSON,
    ),
    Target("revert_data", _revert, _revert_seeds),
)
